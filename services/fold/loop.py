"""The embedded runtime: reads the log, hands batches to ``apply``, for ever."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

import structlog

from services.errors import NotOurs, TouchlineError, Unavailable
from services.fold.apply import Folds, apply, rehearse
from services.fold.batch import Batch, Slice
from services.fold.garbage import Heap
from services.fold.postponing import Postponing
from services.log.port import CONTROL, Log, Position
from services.store.port import Store

BATCH: Final = 10_000
"""Records of one transaction at most: 500 cost PostgreSQL three times as much an event."""
PAUSE_S: Final = 0.025
"""The least time between the starts of two small batches, so that a trickle travels together."""
LONGEST_BACK_OFF_S: Final = 1.0
"""Who waits for what was written waits ten seconds: a database that is back is seen before."""

log = structlog.get_logger()
Step = Callable[[], int]


class FoldBug(TouchlineError):
    """A fold can't take in a well-formed event: a bug of ours, so nothing behind it is folded."""


class Loop:
    """Folds everything the log has, and then what comes; one instance a store."""

    def __init__(
        self, folds: Folds, source: Log, store: Store, *, steps: Sequence[Step] = ()
    ) -> None:
        self._folds, self._log, self._store, self._steps = folds, source, store, steps
        self._next: dict[int, int] | None = None
        self._postponing, self._heap = Postponing(folds, store), Heap(folds.vault.forget)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is away is waited for, with growing pauses."""
        back_off_s = 0.1
        while not stop.is_set():
            began = time.monotonic()
            try:
                worked = self.once()
            except Unavailable as cause:
                log.warning("fold.waiting", cause=str(cause), back_off_s=back_off_s)
                stop.wait(back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
                continue
            back_off_s = 0.1
            self._heap.took(worked)
            if not worked:
                self._heap.rest()
                self._log.wait(1.0)
            if worked < BATCH:
                stop.wait(max(0.0, PAUSE_S - (time.monotonic() - began)))

    def once(self) -> int:
        """The steps, control, one batch, some of what is due; gives how much there was to do."""
        worked = sum(step() for step in self._steps)
        ends = self._log.ends()
        worked += self._turn({CONTROL: ends.get(CONTROL, 0)})
        self._postponing.may_be_due |= worked > 0
        others = {partition: end for partition, end in ends.items() if partition != CONTROL}
        positions = self._positions()
        self._postponing.see(sum(end - positions.get(at, 0) for at, end in others.items()))
        worked += self._turn(others, is_backlog=self._postponing.is_backlog)
        return worked + self._postponing.turn()

    def drain(self) -> None:
        """Fold all that there is, and settle all that waits, however little came before."""
        self._postponing.may_be_due = True
        while self.once() or self._postponing.finish():
            pass

    def _turn(self, ends: Position, *, is_backlog: bool = False) -> int:
        batch = read_batch(self._log, self._positions(), ends)
        if not batch:
            return 0
        try:
            applied = apply(self._folds, batch, self._store, is_backlog=is_backlog)
        except NotOurs:
            # A rebuild has put other rows in place, which may be at another position.
            self._next = None
            return 1
        except TouchlineError:
            raise
        except Exception as cause:
            raise bug(self._folds, batch, self._store, cause) from cause
        self._positions().update({piece.partition: piece.next for piece in batch})
        if CONTROL not in ends:
            self._postponing.folded(applied)
        return sum(applied.tally)

    def _positions(self) -> dict[int, int]:
        if self._next is None:
            self._next = dict(self._store.checkpoints())
        return self._next


def read_batch(
    source: Log, positions: Mapping[int, int], ends: Position, *, limit: int = BATCH
) -> Batch:
    """What the log has between ``positions`` and ``ends``, ``limit`` records at most.

    None is taken that was recorded later than one that is left: a customer's events may rest in
    several partitions, and cost least in the order in which they came.
    """
    waiting = {
        partition: end - positions.get(partition, 0)
        for partition, end in ends.items()
        if end > positions.get(partition, 0)
    }
    batch: list[Slice] = []
    for partition, share in sorted(_shares(waiting, limit).items()):
        first = positions.get(partition, 0)
        if records := source.read(partition, first, share):
            batch.append(Slice(partition, first, records))
    lasts = [piece.records[-1].recorded_at for piece in batch if piece.next < ends[piece.partition]]
    return [kept for piece in batch if (kept := _until(piece, min(lasts)))] if lasts else batch


def _until(piece: Slice, last: datetime) -> Slice | None:
    """Its records up to those recorded at ``last``."""
    count = bisect_right(piece.records, last, key=attrgetter("recorded_at"))
    if count == len(piece.records):
        return piece
    return Slice(piece.partition, piece.first, piece.records[:count]) if count else None


def _shares(waiting: Mapping[int, int], limit: int) -> Mapping[int, int]:
    """How many records to take of each partition.

    Where little waits, all of it: else it would wait for the others. Of the rest a share by what
    there is.
    """
    if not waiting:
        return {}
    little = limit // (2 * len(waiting))
    room, rest = limit, sum(waiting.values())
    shares: dict[int, int] = {}
    for partition, count in sorted(waiting.items(), key=lambda item: item[1]):
        share = count if count <= little or rest <= room else max(1, count * room // rest)
        shares[partition] = min(room, share)
        room, rest = room - shares[partition], rest - count
    return shares


def bug(folds: Folds, batch: Batch, store: Store, cause: Exception) -> FoldBug:
    """The error to stop with, naming the first record that can't be folded and the way on."""
    partition, offset = _culprit(folds, batch, store)
    return FoldBug(
        f"record {partition}:{offset} can't be folded ({type(cause).__name__}: {cause}). Nothing "
        "more is folded until this is mended, or until "
        f"`touchline dead-letters quarantine {partition}:{offset}`"
    )


def _culprit(folds: Folds, batch: Batch, store: Store) -> tuple[int, int]:
    """Bisects for the shortest beginning of ``batch`` that fails; its last record is to blame."""
    records = [(piece.partition, stored) for piece in batch for stored in piece.records]
    good, bad = 0, len(records)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _fails(folds, _head(batch, middle), store):
            bad = middle
        else:
            good = middle
    partition, stored = records[bad - 1]
    return partition, stored.offset


def _head(batch: Batch, count: int) -> Batch:
    head = []
    for piece in batch:
        head.append(Slice(piece.partition, piece.first, piece.records[:count]))
        count = max(0, count - len(piece.records))
    return [piece for piece in head if piece.records]


def _fails(folds: Folds, batch: Batch, store: Store) -> bool:
    try:
        rehearse(folds, batch, store)
    except TouchlineError:
        raise
    except Exception:  # noqa: BLE001 - whatever a broken fold raises, it is only asked whether
        return True
    return False
