"""A worker's share: what is folded, tried again, given up; and the lookout that watches over it."""

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.errors import NotOurs, Unavailable
from services.fold.apply import Folds
from services.fold.batch import Slice
from services.fold.loop import FoldBug
from services.fold.watch import Watch
from services.log.memory import MemoryLog
from services.log.port import CONTROL, Entry, Stored
from services.projector.lookout import BEHIND, STALLED_S, Lookout
from services.projector.projections import READ_MODELS
from services.projector.share import LEAST, Share, parted
from services.store.memory import MemoryStore, MemoryTransaction
from tests.histories import History, entry

LATER = datetime(2026, 1, 1, tzinfo=UTC)


class Open:
    """A gate that lets everything through."""

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        return True


class Failing(MemoryStore):
    """Away for so many transactions; remembers how many records were tried together."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        super().__init__()
        self._failures, self._error = failures, error or Unavailable("away")
        self.tried: list[int] = []

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with super().transaction() as tx:
            yield tx
            self.tried.append(sum(len(one) for one in self._new(tx)))
            if self._failures:
                self._failures -= 1
                raise self._error

    def _new(self, tx: MemoryTransaction) -> Sequence[Mapping[str, Any]]:
        return [tx.seen.new]


def told(count: int) -> tuple[History, Slice]:
    """So many calls, as a partition holds them."""
    history = History()
    for number in range(count):
        history.called(f"user:{number}", at=number)
    payloads = [entry(event, 2).payload for event in history.events]
    records = [Stored(offset, LATER, payload) for offset, payload in enumerate(payloads)]
    return history, Slice(1, 0, records)


def a_share(history: History, store: MemoryStore) -> Share:
    return Share(Folds(READ_MODELS, history.vault), store, Open(), Watch(CollectorRegistry()))


def test_what_is_ours_is_folded_from_where_the_store_has_come() -> None:
    history, piece = told(3)
    store = MemoryStore()
    share = a_share(history, store)

    came = dict(share.take_over({1, 2}))
    share.fold([piece])

    assert came == {1: 0, 2: 0}
    assert share.came == {1: 3, 2: 0}
    assert store.checkpoints() == {1: 3}
    assert share.watch.is_active


def test_a_share_that_was_given_up_folds_nothing() -> None:
    history, piece = told(3)
    store = MemoryStore()
    share = a_share(history, store)

    share.take_over({1})
    share.give_up()
    share.fold([piece])

    assert store.checkpoints() == {}
    assert not share.watch.is_active


def test_who_was_left_behind_is_fenced_off() -> None:
    history, piece = told(3)
    store = MemoryStore()
    zombie, successor = a_share(history, store), a_share(history, store)
    zombie.take_over({1})
    successor.take_over({1})
    successor.fold([piece])

    with pytest.raises(NotOurs, match="partition 1 is at 3, not 0"):
        zombie.fold([piece])

    assert store.checkpoints() == {1: 3}


def test_a_store_that_is_away_is_waited_for_and_what_it_did_not_take_is_halved() -> None:
    history, piece = told(4 * LEAST)
    store = Failing(failures=2)
    share = a_share(history, store)

    share.take_over({1})
    share.fold([piece])

    assert store.tried == [4 * LEAST, 2 * LEAST, LEAST, 2 * LEAST, LEAST]
    assert store.checkpoints() == {1: 4 * LEAST}


def test_a_share_that_is_given_up_while_the_store_is_away_is_left_as_it_is() -> None:
    history, piece = told(3)
    store = Failing(failures=1_000_000)
    share = a_share(history, store)
    share.take_over({1})

    folding = threading.Thread(target=share.fold, args=([piece],))
    folding.start()
    share.give_up()
    folding.join(30)

    assert not folding.is_alive()
    assert store.checkpoints() == {}


def test_a_bug_in_a_fold_names_the_record_and_is_no_reason_to_try_again() -> None:
    history, piece = told(3)
    store = Failing(failures=1_000_000, error=ValueError("never seen"))
    share = a_share(history, store)
    share.take_over({1})

    with pytest.raises(FoldBug, match=r"record 1:\d can't be folded \(ValueError: never seen\)"):
        share.fold([piece])


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 99])
def test_a_batch_is_parted_in_order(count: int) -> None:
    batch = [told(3)[1], Slice(2, 7, told(2)[1].records)]

    head, tail = parted(batch, count)

    assert sum(len(piece.records) for piece in head) == min(count, 5)
    for partition, first, records in ((1, 0, batch[0].records), (2, 7, batch[1].records)):
        pieces = [piece for piece in (*head, *tail) if piece.partition == partition]
        assert [one for piece in pieces for one in piece.records] == [*records]
        assert pieces[0].first == first
        assert all(one.next == other.first for one, other in itertools.pairwise(pieces))


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
