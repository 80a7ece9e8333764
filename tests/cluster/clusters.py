"""A whole cluster for tests: real processes, each of which may be killed and comes back."""

import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from os import kill
from pathlib import Path
from typing import Any, Final

import psycopg

from services import web
from services.addresses import Addresses
from services.archive.access import Access
from services.commands.keys import KeyOrder, create_key
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.errors import Unavailable
from services.log.open import open_log
from services.ports import free_port
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.postgres_tenants import PostgresTenants
from services.store.programs import until
from tests.cluster.broker import Broker
from tests.cluster.kept import Kept
from tests.cluster.topics import fresh
from tests.cluster.workers import Worker
from tests.front import FrontProcess
from tests.integration.folding import MASTER_KEY
from tests.mould import moulded
from tests.platforms import is_gone

WORKSPACE: Final = "shop"
PARTS: Final = ("first", "second", "broker", "postgres", "archive", "ingest")
"""Whoever may be killed; the first two are workers."""
PATIENCE_S: Final = 180.0
_CAME: Final = """
    SELECT partition, least(folded.next_offset, archived.next_offset)
    FROM live.checkpoint AS folded
    LEFT JOIN touchline.archive_progress AS archived USING (partition)
"""
_SAID: Final = """
    SELECT NOT EXISTS (SELECT FROM touchline.outbox) AND NOT EXISTS (SELECT FROM live.unsettled)
"""


def serve(settings: Settings) -> None:
    """What the process of ingest does, as ``touchline ingest`` has it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.exit(web.run("ingest", settings))


class Cluster:
    """Two workers, ingest and an archive over a broker and a PostgreSQL of its own."""

    def __init__(self, broker: Broker, folder: Path, stack: ExitStack) -> None:
        # Killed it loses nothing of what the kernel has; only a power cut would ask for more.
        moulded(folder / "data")
        self._postgres = EmbeddedPostgres(folder / "data", overrides={"fsync": "off"})
        stack.callback(self._postgres.stop)
        urls = self._postgres.start()
        migrate(urls.owner)
        self._front = stack.enter_context(FrontProcess(folder / "archive"))
        self._broker, self._folder = broker, folder
        self.addresses = Addresses(
            urls, fresh(broker.server), Access(self._front.url("events")), MASTER_KEY
        )
        with closing(PostgresTenants(urls.fold)) as tenants:
            now = datetime.now(UTC)
            create_workspace(WorkspaceOrder(WORKSPACE), tenants, now, by="test")
            self.key = create_key(KeyOrder(WORKSPACE, "write"), tenants, now).key
        settings = Settings(
            port=free_port(),
            log_url=self.addresses.log,
            store_url=urls.owner,
            store_fold_url=urls.fold,
            store_query_url=urls.query,
            master_key=MASTER_KEY.hex(),
            requests_per_s=1e6,
            requests_burst=1e6,
        )
        self.url = f"http://127.0.0.1:{settings.port}"
        kept = {
            "ingest": Kept(serve, folder / "ingest.said", settings),
            **{name: Worker(self.addresses, folder / f"{name}.said") for name in PARTS[:2]},
        }
        self._kept = {name: stack.enter_context(one) for name, one in kept.items()}
        self._log = stack.enter_context(closing(open_log(self.addresses.log)))
        self._store = stack.enter_context(closing(PostgresStore(urls.fold)))
        self._kills: Counter[str] = Counter()

    def folded(self) -> int | None:
        """Records of which the rows tell, if one can ask."""
        try:
            return sum(self._store.checkpoints().values())
        except Unavailable:
            return None

    def kill(self, names: Sequence[str]) -> None:
        """``kill -9`` these at once; whatever nobody else starts anew is started here."""
        with ThreadPoolExecutor(len(names)) as threads:
            list(threads.map(self._killed, names))

    @property
    def kills(self) -> Counter[str]:
        """How often each part died of it."""
        return self._kills + Counter({name: one.kills for name, one in self._kept.items()})

    def waits(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until it holds."""
        for _ in until(PATIENCE_S, every_s=0.05):
            if holds():
                return
        said = [f"{name}: {one.said[-2000:]}" for name, one in self._kept.items()]
        raise AssertionError("\n\n".join([f"it did not come about that {what}", *said]))

    def is_done(self) -> bool:
        """Whether nothing is left to fold, to settle, to say, or to archive."""
        try:
            ends = self._log.ends()
            with psycopg.connect(self.addresses.store.fold) as connection:
                came: dict[int, int] = dict(connection.execute(_CAME).fetchall())
                is_said = connection.execute(_SAID).fetchone() == (True,)
            # What was said between two looks would be in the log by now.
            is_said &= self._log.ends() == ends
        except (Unavailable, psycopg.OperationalError):
            return False
        return is_said and all(came.get(at) == end for at, end in ends.items() if end)

    def ends(self) -> Mapping[int, int]:
        """Of the log."""
        return self._log.ends()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the role of folds is told."""
        with psycopg.connect(self.addresses.store.fold) as connection:
            return connection.execute(query.encode()).fetchall()

    def stop(self) -> Mapping[str, int | None]:
        """End workers and ingest as an orchestrator does; their exit codes."""
        return {name: one.stop() for name, one in self._kept.items()}

    def _killed(self, name: str) -> None:
        match name:
            case "broker":
                self._broker.kill()
                self._broker.start()
            case "postgres":
                if (found := self._postgres.postmaster()) is not None:
                    kill(found.pid, signal.SIGKILL)
                    assert is_gone(found.pid)
                self._postgres.start()
            case "archive":
                self._front.kill()
                self._front.start()
            case _:
                self._kept[name].send(signal.SIGKILL)
                return
        self._kills[name] += 1
