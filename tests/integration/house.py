"""The house for tests: the web process' application behind a real socket, and folds at hand."""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import httpx
import psycopg
import pytest

from services import web
from services.archive.feed import feed_once, prepare
from services.archive.memory import MemoryArchive
from services.commands.keys import KeyOrder, create_key
from services.commands.relay import relay
from services.commands.ticker import EVERYWHERE, ticked
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.edge.headers import WAIT_FOR
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.ingest.receive import receive_control
from services.log.postgres import PostgresLog
from services.projector.projections import READ_MODELS
from services.scoring.listening import Listener
from services.scoring.loop import ScoringLoop
from services.settings import PREFIX, Settings
from services.store.archive_progress import PostgresProgress
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.postgres_scores import PostgresScores
from services.store.postgres_tenants import PostgresTenants
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from tests.integration.door import listening

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MASTER_KEY: Final = secrets.token_bytes(32)
Json = dict[str, Any]


@dataclass
class House:
    """A served database with two workspaces, and the engine's work done when a test asks for it."""

    urls: Urls
    client: httpx.Client
    keys: Mapping[str, str]
    log: PostgresLog
    vault: PostgresVault
    archive: MemoryArchive
    loop: Loop
    progress: PostgresProgress
    scoring: ScoringLoop

    def get(self, path: str, key: str = "secret", **headers: str) -> httpx.Response:
        return self.client.get(path, headers=self._headers(key) | headers)

    def post(self, path: str, body: object = None, key: str = "secret") -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        return self.client.post(path, content=content, headers=self._headers(key))

    def found(self, path: str, key: str = "secret", **headers: str) -> Json:
        """The body of an answer that must be 200."""
        response = self.get(path, key, **headers)
        assert response.status_code == 200, response.text
        return cast("Json", response.json())

    def tell(self, *events: Json, key: str = "write") -> str:
        """Post events that must be accepted; their position."""
        response = self.post("/v1/events", list(events), key)
        assert response.status_code == 200, response.text
        return str(response.headers["Touchline-Position"])

    def fold(self) -> None:
        """Relay and fold until nothing is left."""
        self.loop.drain()

    def score(self) -> None:
        """Score all that is folded, and fold what that decides."""
        self.fold()
        while self.scoring.once():
            self.fold()

    def tick(self, at: datetime) -> None:
        """Let time come as far as ``at``, a minute, and fold what that changes."""
        self.decided((EVERYWHERE, ticked(at)))
        self.fold()

    def decided(self, *events: tuple[str, bytes]) -> None:
        """Append what our own commands and folds say, each with its workspace."""
        receive_control(events, datetime.now(UTC), vault=self.vault, log=self.log)

    def feed(self) -> None:
        """Bring the archive up to the folds."""
        prepare(self.log, self.progress, self.archive)
        while feed_once(self.log, self.progress, self.archive):
            pass

    def told(self, *events: Json) -> None:
        """Post and fold."""
        self.tell(*events)
        self.fold()

    def id_of(self, identifier: str, key: str = "secret") -> str:
        """The customer that has it."""
        items = self.found(f"/v1/customers?identifier={identifier}", key)["items"]
        return str(items[0]["customer_id"])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What ``query``, by the owner, gives."""
        with psycopg.connect(self.urls.owner) as connection:
            connection.execute("SET search_path = live, touchline, public")
            return connection.execute(query.encode()).fetchall()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The folds at work in a thread, for the time of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self.loop.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _headers(self, key: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.keys.get(key, key)}",
            "Content-Type": "application/json",
        }


@contextmanager
def serving(urls: Urls, monkeypatch: pytest.MonkeyPatch, **settings_more: Any) -> Iterator[House]:
    """A house on ``urls``, an archive in memory, a key of each kind; ``other`` is a bank's."""
    archive = MemoryArchive()
    monkeypatch.setattr(web, "ClickHouseArchive", lambda *_, **__: archive)
    keys = _keys(urls)
    settings = Settings(
        store_url=urls.owner,
        store_fold_url=urls.fold,
        store_query_url=urls.query,
        archive_url="http://127.0.0.1:9",
        master_key=MASTER_KEY.hex(),
        **settings_more,
    )
    log, vault = PostgresLog(urls.fold), PostgresVault(urls.fold, MASTER_KEY)
    store, outbox = PostgresStore(urls.fold), PostgresOutbox(urls.fold)
    progress, scores = PostgresProgress(urls.fold), PostgresScores(urls.fold)

    def relayed() -> int:
        now = datetime.now(UTC)
        return relay(outbox, lambda posted: _appended(posted, now, vault, log))

    loop = Loop(Folds(READ_MODELS, vault), log, store, steps=[relayed])
    with (
        web.composed(settings) as app,
        listening(app) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        scoring = ScoringLoop(log, scores, Listener(vault))
        yield House(urls, client, keys, log, vault, archive, loop, progress, scoring)
    for resource in (scores, progress, outbox, store, vault, log):
        resource.close()


def found_by_commands(
    urls: Urls, data_dir: Path, monkeypatch: pytest.MonkeyPatch, **more: str
) -> None:
    """Let the command line find the database, by the settings of its environment alone."""
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    for name, value in {
        "STORE_URL": urls.owner,
        "STORE_FOLD_URL": urls.fold,
        "STORE_QUERY_URL": urls.query,
        "MASTER_KEY": MASTER_KEY.hex(),
        "DATA_DIR": str(data_dir),
        **more,
    }.items():
        monkeypatch.setenv(PREFIX + name, value)


def _appended(posted: Any, now: datetime, vault: PostgresVault, log: PostgresLog) -> None:
    receive_control(posted, now, vault=vault, log=log)


def _keys(urls: Urls) -> Mapping[str, str]:
    tenants = PostgresTenants(urls.fold)
    now = datetime.now(UTC)
    for name in ("shop", "bank"):
        create_workspace(WorkspaceOrder(name, region="DE"), tenants, now, by="test")
    orders = {
        **{kind: KeyOrder("shop", kind) for kind in ("browser", "write", "secret", "admin")},
        "other": KeyOrder("bank", "secret"),
    }
    keys = {name: create_key(order, tenants, now).key for name, order in orders.items()}
    tenants.close()
    return keys


_NUMBERS = iter(range(1, 1_000_000))


def event(type_: str, *identifiers: str, at: float = 0, **more: Any) -> Json:
    """An event ``at`` seconds after the start; ``more`` is its data, the envelope's words apart."""
    words = ("id", "source", "personal", "version")
    envelope: Json = {name: more.pop(name) for name in words if name in more}
    return {
        "id": f"e-{next(_NUMBERS)}",
        "type": type_,
        "occurred_at": (START + timedelta(seconds=at)).isoformat(),
        "identifiers": list(identifiers),
        "data": more,
        **envelope,
    }


def bought(order_id: str, amount_minor: int, *identifiers: str, **more: Any) -> Json:
    """A purchase in euros."""
    data: Json = {"order_id": order_id, "amount_minor": amount_minor, "currency": "EUR"}
    return event("purchase.completed", *identifiers, **data | more)


def called(*identifiers: str, **more: Any) -> Json:
    """A call."""
    return event("call.ended", *identifiers, direction="inbound", duration_s=60, **more)


def described(traits: Json, *identifiers: str, **more: Any) -> Json:
    """A description that names the person."""
    return event("customer.identified", *identifiers, personal=traits, **more)


def waiting_for(position: str) -> dict[str, str]:
    """The header that makes a read wait."""
    return {WAIT_FOR: position}
