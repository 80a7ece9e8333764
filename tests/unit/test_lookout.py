"""A worker's lookout: what waits, and who makes no progress."""

from datetime import UTC, datetime, timedelta

import pytest

from services.log.memory import MemoryLog
from services.log.port import CONTROL, Entry
from services.projector.lookout import BEHIND, STALLED_S, Lookout
from services.store.memory import MemoryStore

LATER = datetime(2026, 1, 1, tzinfo=UTC)


class Seat:
    """A lookout over a log and a store, with a clock to be put forward."""

    def __init__(self) -> None:
        self.log, self.store = MemoryLog(3), MemoryStore()
        self.now_s, self.ended = 0.0, 0
        self.lookout = Lookout(
            self.log,
            self.store,
            end_stopped=lambda: 0,
            now_s=lambda: self.now_s,
            end=self._end,
        )

    def _end(self) -> None:
        self.ended += 1

    def look(self, after_s: float, attempts: int = 0) -> None:
        self.now_s += after_s
        self.lookout.look({1}, attempts)


def test_a_worker_that_has_lag_and_makes_no_progress_is_ended() -> None:
    seat = Seat()
    seat.log.append([Entry(1, b"a")])

    seat.look(0)
    seat.look(STALLED_S)
    before = seat.ended
    seat.look(1)

    assert (before, seat.ended) == (0, 1)


def test_a_worker_whose_look_hangs_is_ended() -> None:
    seat = Seat()

    seat.now_s += STALLED_S
    seat.lookout.oversee()
    before = seat.ended
    seat.now_s += 1
    seat.lookout.oversee()

    assert (before, seat.ended) == (0, 1)


@pytest.mark.parametrize("what", ["no lag", "progress", "an answer", "lag of others"])
def test_a_worker_is_left_alone_where_there_is(what: str) -> None:
    seat = Seat()
    seat.log.append([Entry(2 if what == "lag of others" else 1, b"a"), Entry(1, b"b")][:1])
    if what == "no lag":
        seat.store.tables.checkpoints[1] = 1

    seat.look(0)
    seat.look(STALLED_S)
    if what == "progress":
        seat.log.append([Entry(1, b"c")])
        seat.store.tables.checkpoints[1] = 1
    seat.look(1, attempts=int(what == "an answer"))

    assert seat.ended == 0


def test_all_that_waits_is_seen_but_for_control() -> None:
    seat = Seat()
    seat.log.append([Entry(CONTROL, b"a"), Entry(1, b"b"), Entry(2, b"c"), Entry(2, b"d")])
    seat.store.tables.checkpoints[2] = 1

    seat.look(0)

    assert seat.lookout.waiting == 2


def test_what_was_recorded_long_after_the_control_that_waits_has_to_wait_too() -> None:
    seat = Seat()
    at_first = seat.lookout.may_fold(1, LATER)
    seat.log.append([Entry(CONTROL, b"a")])
    (waiting,) = seat.log.read(CONTROL, 0, 1)

    seat.look(0)
    near = seat.lookout.may_fold(1, waiting.recorded_at + BEHIND)
    far = seat.lookout.may_fold(1, waiting.recorded_at + BEHIND + timedelta(seconds=1))
    seat.store.tables.checkpoints[CONTROL] = 1
    seat.look(0)
    caught_up = seat.lookout.may_fold(1, waiting.recorded_at + BEHIND + timedelta(seconds=1))

    assert (at_first, near, far, caught_up) == (True, True, False, True)
