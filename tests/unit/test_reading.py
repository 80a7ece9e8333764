"""Reading an inbox: each record once in the log or as a letter, whatever dies in between."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from schemas.codec import decode
from schemas.envelope import Recorded
from services.commands.letter import raw_of
from services.edge.auth import Gate
from services.edge.keys import Key
from services.edge.limits import Limits
from services.edge.rate import Rates
from services.errors import Misconfigured, Unavailable
from services.ingest.door import Door, IngestMetrics
from services.ingest.reading import Letters, Reading, Source
from services.log.memory import MemoryLog
from services.log.memory_inbox import MemoryInbox, MemoryTopic
from services.log.port import Entry, Position
from services.store.port import Letter
from services.vault.memory import MemoryVault

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = Key("k_till", "shop", "write", "DE", "Europe/Berlin", "EUR")


class Noon:
    """A clock."""

    def now(self) -> datetime:
        return NOW


class Nobody:
    """Keys that nobody asks for: a record has none."""

    def find(self, _key_hash: bytes) -> Key | None:
        return None


class Scene:
    """A topic, and what became of its records: one letter an origin, as the store keeps them."""

    def __init__(self) -> None:
        self.topic, self.log, self.vault = MemoryTopic(), MemoryLog(), MemoryVault()
        self.letters: dict[tuple[str, str], Letter] = {}
        self.keys = {KEY.key_id: KEY}
        self.is_away = False

    def told(self, name: str) -> float | None:
        """A figure of the topic, as the last process tells it."""
        return self.registry.get_sample_value(name, {"topic": self.topic.name})

    def reading(self, inbox: MemoryInbox | None = None) -> Reading:
        """Another process."""
        limits, self.registry = Limits(), CollectorRegistry()
        gate = Gate(Nobody(), Rates(limits))
        metrics = IngestMetrics(self.registry)
        door = Door(self.log, self.vault, gate, Noon(), limits, metrics)
        return Reading(
            inbox or MemoryInbox(self.topic),
            Source(self.topic.name, KEY.key_id, self.keys.get),
            door,
            Letters(self.keep_all, self.vault, Noon()),
        )

    def keep_all(self, letters: Sequence[Letter]) -> None:
        if self.is_away:
            raise Unavailable("the database does not answer")
        for letter in letters:
            self.letters.setdefault((letter.workspace, letter.origin), letter)

    def recorded(self) -> list[Recorded[Any]]:
        """What is in the log."""
        ends = self.log.ends()
        return [
            decode(stored.payload) for at in ends for stored in self.log.read(at, 0, ends[at] or 1)
        ]

    def send(self, **more: object) -> None:
        """A call, as it would be posted."""
        event = {"type": "call.ended", "identifiers": ["user:42"], "data": CALL} | more
        self.topic.send(json.dumps(event).encode())


CALL = {"direction": "inbound", "duration_s": 60}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_records_are_recorded_under_the_workspace_and_kind_of_the_topic_s_key(scene: Scene) -> None:
    scene.send(id="1", source="till")
    scene.send(source="till")

    assert scene.reading().turn() == 2

    first, second = scene.recorded()
    assert (first.workspace, first.key_kind) == ("shop", "write")
    assert {first.id, second.id} == {"1", "touchline.inbox:0:1"}
    assert scene.topic.done == 2


def test_what_is_refused_is_a_letter_that_can_be_opened_and_stops_nothing(scene: Scene) -> None:
    scene.send(id="1")
    scene.send(id="2", identifiers=[])
    scene.topic.send(b"\xff no json")
    scene.send(id="4", type="tier.changed")
    scene.topic.send(json.dumps({"id": "5", "a\0\ud800": 1}).encode())
    scene.topic.send(b"{}", ("ce_specversion", b"0.3"))

    scene.reading().turn()

    assert [record.id for record in scene.recorded()] == ["1"]
    assert [origin for _, origin in scene.letters] == [
        f"kafka:touchline.inbox:0:{offset}" for offset in range(1, 6)
    ]
    opened = [raw_of(letter, scene.vault) for letter in scene.letters.values()]
    assert json.loads(opened[0] or b"")["id"] == "2"
    assert opened[1] == b"\xff no json"
    reasons = [letter.reason for letter in scene.letters.values()]
    assert all(";" in reason and "\0" not in reason for reason in reasons)
    assert scene.topic.done == 6


class Dying(MemoryInbox):
    """The process is killed before it can say that it is done."""

    def done(self) -> None:
        raise KeyboardInterrupt


def test_killed_between_append_and_done_the_same_records_come_again(scene: Scene) -> None:
    scene.send(source="till")
    scene.send(id="2", identifiers=[])
    with pytest.raises(KeyboardInterrupt):
        scene.reading(Dying(scene.topic)).turn()
    assert scene.topic.done == 0

    scene.reading().turn()

    first, second = scene.recorded()
    # The folds know it by these and count it once.
    assert (first.id, first.source, first.digest) == (second.id, second.source, second.digest)
    assert len(scene.letters) == 1
    assert scene.topic.done == 2


def test_a_batch_that_can_not_be_kept_is_tried_again_and_done_no_sooner(scene: Scene) -> None:
    scene.send(id="1")
    scene.send(id="2", identifiers=[])
    scene.is_away = True
    reading = scene.reading()
    with pytest.raises(Unavailable):
        reading.turn()
    assert scene.topic.done == 0

    scene.is_away = False
    reading.turn()

    assert (len(scene.letters), scene.topic.done) == (1, 2)


def test_without_its_key_a_topic_waits(scene: Scene) -> None:
    scene.send(id="1")
    scene.keys.clear()
    reading = scene.reading()
    with pytest.raises(Misconfigured, match="k_till, which is not in force"):
        reading.turn()
    assert scene.topic.done == 0

    scene.keys[KEY.key_id] = KEY
    reading.turn()

    assert scene.topic.done == 1


def test_what_became_of_records_and_how_many_wait_is_told(scene: Scene) -> None:
    scene.send(id="1")
    scene.send(id="2")
    scene.send(id="3", identifiers=[])
    inbox = MemoryInbox(scene.topic)
    reading = scene.reading(inbox)
    reading._door.metrics.inboxes.watch(scene.topic.name, inbox.waiting)
    assert scene.told("touchline_inbox_lag_records") == 3

    reading.turn()
    scene.send(id="4")

    assert scene.told("touchline_inbox_read_records_total") == 3
    assert scene.told("touchline_inbox_accepted_records_total") == 2
    assert scene.told("touchline_inbox_dead_lettered_records_total") == 1
    assert scene.told("touchline_inbox_lag_records") == 1


def test_an_inbox_that_stands_still_says_so_until_it_goes_on(scene: Scene) -> None:
    scene.send(id="1")
    scene.keys.clear()
    reading = scene.reading()

    with capture_logs():
        reading.run(Stopping(turns=1))  # type: ignore[arg-type]
    assert scene.told("touchline_inbox_stopped") == 1
    scene.keys[KEY.key_id] = KEY
    reading.run(Stopping(turns=1))  # type: ignore[arg-type]

    assert scene.told("touchline_inbox_stopped") == 0


def test_brokers_that_are_away_leave_the_other_figures_to_be_read(scene: Scene) -> None:
    def away() -> int:
        raise Unavailable("no broker answers")

    reading = scene.reading()
    reading._door.metrics.inboxes.watch(scene.topic.name, away)

    with capture_logs() as said:
        assert scene.told("touchline_inbox_lag_records") is None
        assert scene.told("touchline_inbox_read_records_total") == 0
    assert {line["event"] for line in said} == {"metrics.incomplete"}


class Full(MemoryLog):
    """Away for the first append."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 1

    def append(self, entries: Sequence[Entry]) -> Position:
        if entries and self.refusals:
            self.refusals -= 1
            raise Unavailable("the log does not answer")
        return super().append(entries)


def test_what_goes_wrong_is_told_and_does_not_end_the_reading(scene: Scene) -> None:
    scene.log = Full()
    scene.send(id="1")
    stop = Stopping(turns=3)

    with capture_logs() as said:
        scene.reading().run(stop)  # type: ignore[arg-type]

    assert [line["event"] for line in said] == ["inbox.waiting", "inbox.read"]
    assert [record.id for record in scene.recorded()] == ["1"]


class Stopping:
    """Set after so many looks; never waits."""

    def __init__(self, turns: int) -> None:
        self._turns = turns

    def is_set(self) -> bool:
        self._turns -= 1
        return self._turns < 0

    def wait(self, _timeout: float | None = None) -> bool:
        return False
