"""Time told late, twice, or after the clock was set back."""

from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.commands.ticker import EVERYWHERE, Ticker
from services.fold.rules import BEGINNING
from tests.happenings import BATCHES, SHUFFLES
from tests.histories import Step, fold, rows
from tests.ruled import LIVES, Ruled
from tests.unit.test_laws import shuffled

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = 90
"""Days; later than anything that lives hold."""


class Watch:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Lock:
    """Ours, or somebody else's."""

    def __init__(self, *, ours: bool) -> None:
        self.ours = ours

    def is_ours(self) -> bool:
        return self.ours


class Told:
    """The minutes that the log was told, and a ticker that tells them."""

    def __init__(self, *, ours: bool = True) -> None:
        self.events: list[tuple[str, str, datetime]] = []
        self.watch, self.lock = Watch(NOON), Lock(ours=ours)
        self.ticker = self.restarted()

    def restarted(self) -> Ticker:
        """A ticker that knows nothing of what was told."""
        return Ticker(self.lock, self._append, self.watch)

    def _append(self, workspace: str, event: bytes) -> None:
        told = msgspec.json.decode(event)
        at = datetime.fromisoformat(told["data"]["ticked_at"])
        self.events.append((workspace, told["id"], at))


def test_a_minute_is_told_once_however_often_its_ticker_is_asked() -> None:
    told = Told()

    asked = []
    for seconds in (0, 1, 59, 60, 61):
        told.watch.at = NOON + timedelta(seconds=seconds)
        asked.append(told.ticker.tick())

    assert asked == [1, 0, 0, 1, 0]
    assert told.events == [
        (EVERYWHERE, "tick/2026-11-22T12:00Z", NOON),
        (EVERYWHERE, "tick/2026-11-22T12:01Z", NOON + timedelta(minutes=1)),
    ]


def test_who_does_not_hold_the_lock_tells_nothing_until_it_does() -> None:
    told = Told(ours=False)
    assert told.ticker.tick() == 0

    told.lock.ours = True

    assert told.ticker.tick() == 1
    assert len(told.events) == 1


def test_a_minute_told_by_two_tickers_has_one_id() -> None:
    told = Told()

    told.ticker.tick()
    told.restarted().tick()

    assert len(told.events) == 2
    assert len(set(told.events)) == 1


def test_minutes_that_nobody_told_are_not_made_up_for() -> None:
    told = Told()
    told.ticker.tick()

    told.watch.at += timedelta(hours=5)
    told.ticker.tick()

    assert [at - NOON for _, _, at in told.events] == [timedelta(0), timedelta(hours=5)]


@given(LIVES, st.lists(st.integers(0, END), max_size=12), SHUFFLES, BATCHES)
def test_ticks_that_come_late_twice_or_backwards_leave_what_the_last_one_leaves(
    steps: list[Step], days: list[int], random: Random, batches: list[int]
) -> None:
    once, often = Ruled(steps=steps), Ruled(steps=steps)
    once.ticked(at=END)
    # The very same event, wherever it comes.
    often.events.append(once.events[-1])
    for day in days:
        often.ticked(at=day)
    often.events.append(once.events[-1])

    straight = fold(once.events, once.vault)
    other = fold(shuffled(often.events, random), often.vault, batches=batches)

    assert rows(other) == rows(straight)


@given(LIVES, st.integers(0, END - 1))
def test_a_clock_that_is_set_back_takes_no_time_back(steps: list[Step], day: int) -> None:
    life = Ruled(steps=steps)
    life.ticked(at=END)
    before = rows(fold(life.events, life.vault))

    life.ticked(at=day)
    store = fold(life.events, life.vault, batches=[1])

    assert rows(store) == before
    assert (store.tables.courses.control.tick or BEGINNING) > life.events[-1].occurred_at
