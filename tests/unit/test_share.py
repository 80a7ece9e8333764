"""A worker's share: what is folded, tried again, given up."""

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.errors import NotOurs, Unavailable
from services.fold.apply import Folds
from services.fold.batch import Slice
from services.fold.loop import FoldBug
from services.fold.watch import Watch
from services.log.port import CONTROL, Stored
from services.projector import share as projector_share
from services.projector.projections import READ_MODELS
from services.projector.share import LEAST, Share, parted
from services.store.memory import MemoryStore, MemoryTransaction
from services.store.programs import until
from tests.histories import History, entry, fold, rows

LATER = datetime(2026, 1, 1, tzinfo=UTC)
MUCH = 4 * LEAST
"""What makes a backlog here."""


@pytest.fixture(autouse=True)
def _small_backlogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector_share, "MUCH", MUCH)


class Open:
    """A gate that lets everything through; so many records wait with others."""

    waiting = 0

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


def a_share(history: History, store: MemoryStore, waiting: int = 0) -> Share:
    gate = Open()
    gate.waiting = waiting
    return Share(Folds(READ_MODELS, history.vault), store, gate, Watch(CollectorRegistry()))


def unsettled(store: MemoryStore) -> int:
    """How many customers wait."""
    return len(store.tables.courses.unsettled)


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


@pytest.mark.parametrize(("count", "others"), [(MUCH, 0), (3, MUCH)], ids=["ours", "others'"])
def test_of_a_backlog_rows_wait_until_it_is_over(count: int, others: int) -> None:
    history, piece = told(count)
    store = MemoryStore()
    share = a_share(history, store, waiting=others)
    share.take_over({1})

    share.fold([piece])
    meanwhile = unsettled(store)
    settled = share.settle()
    share._gate.waiting = 0  # type: ignore[misc] # as if it had looked again
    for _ in until(30):
        settled += share.settle()
        if not share.may_be_due:
            break

    assert (meanwhile, settled > 0, unsettled(store)) == (count, True, 0)
    assert rows(store) == rows(fold(history.events, history.vault))


def test_what_others_left_waiting_is_settled_by_who_is_given_partitions() -> None:
    history, piece = told(MUCH)
    store = MemoryStore()
    dead, heir = a_share(history, store), a_share(history, store)
    dead.take_over({1})
    dead.fold([piece])
    dead.give_up()

    assert dead.settle() == 0
    heir.take_over({1})
    while heir.may_be_due:
        heir.settle()

    assert unsettled(store) == 0


def test_control_s_batches_leave_nobody_waiting() -> None:
    history = History()
    history.merged("user:1", "user:2")
    history.called("user:1")
    store = MemoryStore()
    share = a_share(history, store, waiting=MUCH)
    share.take_over({CONTROL, 1})
    merged, called = (entry(event, 2).payload for event in history.events)

    share.fold([Slice(CONTROL, 0, [Stored(0, LATER, merged)])])

    assert (store.checkpoints(), unsettled(store)) == ({CONTROL: 1}, 0)
    share.fold([Slice(1, 0, [Stored(0, LATER, called)])])
    assert unsettled(store) == 1
