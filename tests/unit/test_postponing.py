"""Postponing: of a backlog rows are settled at its end; of one without an end, now and then."""

import itertools
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec import structs

from services.fold import postponing
from services.fold.apply import Applied, Folds, apply
from services.fold.due import MOST, settle_due
from services.fold.loop import read_batch
from services.fold.postponing import CALM_S, FEW, MUCH, NEWS, PATIENCE_S, Postponing
from services.log.memory import MemoryLog
from services.projector.projections import READ_MODELS
from services.store.memory import MemoryStore
from services.store.port import Tally
from tests.histories import History, entry, fold, rows


@dataclass
class Clock:
    """Seconds that a test sets."""

    s: float = 0.0

    def __call__(self) -> float:
        return self.s


class Backlog:
    """Customers who buy, one after the other, folded as a backlog's batches."""

    def __init__(self) -> None:
        self.history, self.log, self.store = History(), MemoryLog(4), MemoryStore()
        self.folds, self.clock = Folds(READ_MODELS, self.history.vault), Clock()
        self.postponing = Postponing(self.folds, self.store, self.clock)

    def comes(self, waiting: int, *, took_s: float = 0.1) -> int:
        """A batch while so much waits; gives how many rows are settled after it."""
        told = len(self.history.events)
        self.history.bought(f"o{told}", 100 + told, f"user:{told}")
        self.postponing.see(waiting)
        self.postponing.folded(self.fold(is_backlog=self.postponing.is_backlog))
        self.clock.s += took_s
        return self.postponing.turn()

    def fold(self, events: int = 1, *, is_backlog: bool) -> Applied:
        """Fold the last events that were told."""
        self.log.append([entry(event, 4) for event in self.history.events[-events:]])
        batch = read_batch(self.log, self.store.checkpoints(), self.log.ends())
        return apply(self.folds, batch, self.store, is_backlog=is_backlog)

    @property
    def unsettled(self) -> int:
        return len(self.store.tables.courses.unsettled)


@pytest.fixture
def backlog() -> Backlog:
    return Backlog()


def test_a_trickle_is_settled_as_it_comes(backlog: Backlog) -> None:
    for _ in range(3):
        backlog.comes(MUCH - 1)

        assert backlog.unsettled == 0


def test_a_backlogs_rows_wait_until_there_was_none_for_a_while(backlog: Backlog) -> None:
    assert backlog.comes(MUCH) == 0
    assert backlog.comes(1) == 0
    assert backlog.unsettled == 2

    backlog.clock.s += CALM_S
    backlog.postponing.see(0)
    settled = backlog.postponing.turn()

    assert (settled > 0, backlog.unsettled) == (True, 0)
    assert rows(backlog.store) == rows(fold(backlog.history.events, backlog.history.vault))


def test_a_batch_leaves_waiting_who_waits_and_settles_the_others(backlog: Backlog) -> None:
    history, waiting = backlog.history, backlog.store.tables.courses.unsettled
    backlog.comes(MUCH)
    for who in ("user:0", "user:1"):
        history.bought(f"again {who}", 900, who)
        backlog.fold(is_backlog=False)

    assert waiting.keys() == {history.hash("user:0")}
    assert len(backlog.store.tables.views["loyalty"]) == 1

    backlog.postponing.finish()

    assert not waiting
    assert rows(backlog.store) == rows(fold(history.events, history.vault))


def test_a_batch_of_both_leaves_waiting_who_waits_and_settles_the_others(backlog: Backlog) -> None:
    history, waiting = backlog.history, backlog.store.tables.courses.unsettled
    backlog.comes(MUCH)
    for who in ("user:0", "user:1"):
        history.bought(f"again {who}", 900, who)

    applied = backlog.fold(2, is_backlog=False)

    assert applied.left == 1
    assert waiting.keys() == {history.hash("user:0")}
    assert backlog.store.tables.views["loyalty"].keys() == {history.hash("user:1")}


def test_whoever_leaves_somebody_waiting_looks_for_him(backlog: Backlog) -> None:
    history, waiting = backlog.history, backlog.store.tables.courses.unsettled
    backlog.comes(MUCH)
    # Another worker, who looked before somebody else left him waiting, or whom he was at hand of.
    other = Postponing(backlog.folds, backlog.store, backlog.clock)
    other.may_be_due = False
    history.bought("again", 900, "user:0")

    other.see(1)
    other.folded(backlog.fold(is_backlog=other.is_backlog))

    assert other.may_be_due
    other.turn()
    assert not waiting


def test_who_becomes_part_of_others_waits_no_more(backlog: Backlog) -> None:
    history, waiting = backlog.history, backlog.store.tables.courses.unsettled
    guests = ("email:a@example.org", "email:b@example.org", "email:c@example.org")
    for who in guests:
        history.bought(who, 900, who)
        backlog.fold(is_backlog=True)
    assert waiting.keys() == {history.hash(who) for who in guests}

    history.bought("together", 900, *guests[:2])
    backlog.fold(is_backlog=False)

    first = min(map(history.hash, guests[:2]))
    assert waiting.keys() == {first, history.hash(guests[2])}

    backlog.postponing.finish()

    assert backlog.store.tables.views["loyalty"].keys() == {first, history.hash(guests[2])}
    assert rows(backlog.store) == rows(fold(history.events, history.vault))


def test_rows_do_not_wait_for_a_backlog_of_decisions(backlog: Backlog) -> None:
    for touches in (NEWS - 1, 0):
        assert backlog.comes(MUCH) == 0

        backlog.postponing.see(MUCH)
        backlog.postponing.folded(Applied(Tally(applied=NEWS * NEWS), touches))
        settled = backlog.postponing.turn()

        assert (settled > 0, backlog.unsettled) == (True, 0)


def test_history_is_no_news_because_others_told_of_the_same_order(backlog: Backlog) -> None:
    history = backlog.history
    for who, at in (("user:1", 100), ("user:2", 50)):
        history.bought("same", 1_000, who, at=at)
        late = history.events.pop()
        history.events.append(
            structs.replace(late, received_at=late.received_at + timedelta(days=9))
        )
        backlog.fold(is_backlog=True)

    waiting = backlog.store.tables.courses.unsettled
    assert [waiting[history.hash(who)].is_old for who in ("user:1", "user:2")] == [True, True]


def test_beside_a_backlog_without_an_end_rows_are_settled_too(backlog: Backlog) -> None:
    backlog.comes(MUCH)
    waited_s = backlog.clock.s

    while not backlog.comes(MUCH, took_s=1.0):
        waited_s = backlog.clock.s

    assert PATIENCE_S - 1 <= waited_s <= PATIENCE_S + 1
    assert backlog.comes(MUCH) == 0


@pytest.mark.parametrize(
    ("each_s", "most"), [(0.1, FEW), (0.0005, 100), (0.0, MOST)], ids=["slow", "usual", "at once"]
)
def test_while_records_come_as_many_are_settled_as_take_a_brief_time(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch, each_s: float, most: int
) -> None:
    asked: list[int] = []

    def settling(folds: Folds, store: MemoryStore, at_most: int) -> int:
        asked.append(at_most)
        backlog.clock.s += 1e-6 + at_most * each_s
        return len(READ_MODELS.courses) * at_most

    monkeypatch.setattr(postponing, "settle_due", settling)
    for _ in range(10):
        backlog.postponing.see(1)
        backlog.postponing.turn()

    assert asked[0] == FEW
    assert asked[-1] == pytest.approx(most, abs=1)
    assert all(later <= 2 * earlier for earlier, later in itertools.pairwise(asked))


def test_rows_that_are_dear_to_settle_wait_ten_times_as_long(
    backlog: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dear(folds: Folds, store: MemoryStore, at_most: int) -> int:
        backlog.clock.s += 5.0
        return settle_due(folds, store, at_most)

    monkeypatch.setattr(postponing, "settle_due", dear)
    while not backlog.comes(MUCH, took_s=6.0):
        pass
    began_s = waited_until_s = backlog.clock.s
    while not backlog.comes(MUCH, took_s=6.0):
        waited_until_s = backlog.clock.s

    assert waited_until_s - began_s >= 90
