"""The inbox as a door of the platform: what others write to a topic is in a customer's profile."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from services import web
from services.commands.dead_letters import DeadLetters
from services.commands.keys import KeyOrder, create_key
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.edge.keys import hashed
from services.ingest.accept import Producer
from services.ingest.receive import receive
from services.log.kafka.address import Address
from services.log.kafka.inbox import KafkaInbox
from services.log.port import Position
from services.settings import Settings
from services.store.letters import PostgresLetters
from services.store.migrate import migrate
from services.store.postgres_tenants import PostgresTenants
from services.store.programs import until
from services.store.urls import Urls
from tests.cluster.others import Upstream, fresh_door, upstream
from tests.integration.folding import MASTER_KEY, Engine, an_engine

PATIENCE_S: Final = 90.0
PROCESSES: Final = multiprocessing.get_context("forkserver")
JSON: Final = ("content-type", b"application/json")
STRUCTURED: Final = ("content-type", b"application/cloudevents+json; charset=utf-8")
ORDER: Final = {"amount_minor": 1250, "currency": "EUR"}


@pytest.fixture
def engine(bare: Urls, log_url: str) -> Iterator[Engine]:
    """Log, store and vault of a cluster."""
    migrate(bare.owner)
    with an_engine(bare, log_url=log_url) as engine:
        yield engine


class Scene:
    """A topic that a shop writes, and the ingest that is to read it."""

    def __init__(self, engine: Engine, address: Address, other: Upstream) -> None:
        self.engine, self.address, self.other = engine, address, other
        with closing(PostgresTenants(engine.urls.fold)) as tenants:
            now = datetime.now(UTC)
            create_workspace(WorkspaceOrder("shop", region="DE"), tenants, now, by="test")
            made = create_key(KeyOrder("shop", "write"), tenants, now)
            found = tenants.find(hashed(made.key))
        assert found is not None
        self.settings = Settings(
            store_url=engine.urls.owner,
            store_fold_url=engine.urls.fold,
            store_query_url=engine.urls.query,
            log_url=engine.log_url,
            master_key=MASTER_KEY.hex(),
            inboxes=f"{address.topic}={found.key_id}",
        )

    def send_each_form(self) -> None:
        """A purchase in each of the three forms, and a fourth without an id of its own."""
        told = {"source": "till", "type": "purchase.completed"}
        named = {"specversion": "1.0", "id": "2", "subject": "user:42", **told}
        headers = [(f"ce_{name}", value.encode()) for name, value in named.items()]
        ours = {**told, "identifiers": ["user:42"]}
        self.send(ours | {"id": "1", "data": ORDER | {"order_id": "1"}})
        self.send(ORDER | {"order_id": "2"}, *headers, JSON)
        self.send(named | {"id": "3", "data": ORDER | {"order_id": "3"}}, STRUCTURED)
        self.send(ours | {"data": ORDER | {"order_id": "4"}})

    def send(self, value: object, *headers: tuple[str, bytes]) -> None:
        """One record, as JSON."""
        self.other.send(json.dumps(value).encode(), *headers)

    def take_in(self, workspace: str, raw: bytes, *, browser: str | None) -> tuple[str, Position]:
        """As a server's key would."""
        assert browser is None
        engine, producer = self.engine, Producer(workspace, "write", "k", "DE")
        received = receive([raw], producer, datetime.now(UTC), vault=engine.vault, log=engine.log)
        return received.accepted[0].id, received.position

    def events(self) -> int:
        """What the log holds of others' events."""
        ends = self.engine.log.ends()
        return sum(end for partition, end in ends.items() if partition)

    def letters(self) -> list[tuple[str, str]]:
        """Origin and field of what was refused."""
        query = "SELECT origin, field FROM touchline.dead_letter ORDER BY letter_id"
        return [(origin, field) for origin, field in self.engine.rows(query)]

    def orders(self) -> list[tuple[Any, ...]]:
        """What the folds make of it, of each customer."""
        self.engine.fold()
        self.engine.relay()
        self.engine.fold()
        return self.engine.rows("SELECT orders, spend_minor FROM customer")


@pytest.fixture
def scene(engine: Engine, kafka: str) -> Iterator[Scene]:
    address = fresh_door(kafka)
    with upstream(address) as other:
        yield Scene(engine, address, other)


def waits(holds: Callable[[], bool], said: object = "") -> None:
    for _ in until(PATIENCE_S, every_s=0.05):
        if holds():
            return
    raise AssertionError(said)


def test_records_of_all_three_forms_are_in_a_profile_and_bad_ones_are_letters(
    scene: Scene,
) -> None:
    scene.send_each_form()
    scene.send({"id": "5", "type": "purchase.completed", "identifiers": ["user:42"], "data": {}})
    scene.other.send(b"no json")
    scene.send(ORDER, ("ce_specversion", b"0.3"), JSON)
    with web.ingesting(scene.settings):
        waits(lambda: len(scene.letters()) == 3)

    assert scene.orders() == [(4, {"EUR": 5000})]
    topic = scene.address.topic
    assert [origin for origin, _ in scene.letters()] == [
        f"kafka:{topic}:0:{at}" for at in (4, 5, 6)
    ]
    assert [field for _, field in scene.letters()] == ["data.order_id", None, "specversion"]


def test_a_letter_that_came_by_kafka_can_be_corrected_and_sent_again(scene: Scene) -> None:
    wrong = {"id": "1", "source": "till", "type": "call.ended", "identifiers": []}
    right = wrong | {
        "identifiers": ["user:42"],
        "data": {"direction": "inbound", "duration_s": 9},
    }
    scene.send(wrong)
    with web.ingesting(scene.settings):
        waits(lambda: len(scene.letters()) == 1)
    with closing(PostgresLetters(scene.engine.urls.fold)) as kept:
        commands = DeadLetters(kept, scene.engine.vault, scene.engine.log)
        (row,) = commands.page("shop", limit=10)
        held = commands.opened(row)
        commands.resubmit(
            "shop", row.letter_id, scene.take_in, corrected=json.dumps(right).encode()
        )

    assert json.loads(held or b"") == wrong
    scene.engine.fold()
    assert scene.engine.rows("SELECT families FROM customer") == [({"call": 1},)]


def killed_before_it_is_done(settings: Settings, said: Path) -> None:
    """What the process does that dies between the append and the commit of its offsets."""
    with said.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    dying = patch.object(KafkaInbox, "done", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    with dying, web.ingesting(settings):
        signal.pause()


def test_a_process_killed_between_append_and_commit_doubles_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    scene.send_each_form()
    scene.send({"id": "5", "type": "call.ended"})
    for kill in range(2):
        process = PROCESSES.Process(
            target=killed_before_it_is_done, args=(scene.settings, tmp_path / "said")
        )
        process.start()
        process.join(PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL, (tmp_path / "said").read_text()
        assert scene.events() == 4 * (kill + 1)

    with web.ingesting(scene.settings):
        waits(lambda: scene.events() == 12)

    assert scene.orders() == [(4, {"EUR": 5000})]
    assert len(scene.letters()) == 1
    assert scene.engine.account().duplicate == 8
