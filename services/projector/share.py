"""A share: the partitions that one of several workers folds, and what becomes of their records."""

import threading
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, Protocol

import structlog

from services.errors import TouchlineError, Unavailable
from services.fold.apply import Folds, apply
from services.fold.batch import Batch, Slice
from services.fold.loop import BATCH, LONGEST_BACK_OFF_S, bug
from services.fold.postponing import Postponing
from services.fold.watch import Watch
from services.log.port import CONTROL
from services.store.port import Store

FIRST_BACK_OFF_S: Final = 0.05
"""After most failures another worker was in the way, and is gone by then."""
MUCH: Final = BATCH // 4
"""Records that make a backlog: 5,000 events a second are none because workers were held up for less
than half of one."""
LEAST: Final = 250
"""Records that are tried together however often that failed."""

log = structlog.get_logger()


class Gate(Protocol):
    """Says what has to wait, and what does."""

    @property
    def waiting(self) -> int:
        """How many records waited to be folded, of all workers, when that was last looked at."""

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        """Whether control has come near enough to what was recorded then."""


class Share:
    """Called by the worker: one call at a time, but for ``may_fold`` and ``give_up``."""

    def __init__(self, folds: Folds, store: Store, gate: Gate, watch: Watch) -> None:
        self._folds, self._store, self._gate, self.watch = folds, store, gate, watch
        self._postponing = Postponing(folds, store, much=MUCH)
        self._given_up = threading.Event()
        self._given_up.set()
        self.partitions: frozenset[int] = frozenset()
        """Those that are ours now."""
        self.came: dict[int, int] = {}
        """How far each has come: the offset that is folded next."""
        self.attempts = 0
        """How often something was tried, well or not: one that hangs is seen by its absence."""

    @property
    def may_be_due(self) -> bool:
        """Whether rows may be left to settle: of a backlog, or those that the last tick changes.

        Whoever leaves some waiting asks for the one, whoever has control for the other; and who is
        given partitions for what others left behind.
        """
        return bool(self.partitions) and self._postponing.may_be_due

    def take_over(self, partitions: Collection[int]) -> Mapping[int, int]:
        """These are ours from now on, and no others; gives where to go on in each.

        A store that is away is waited for, until the share is given up.
        """
        self._given_up.clear()
        found: Mapping[int, int] = {}
        for _ in self._tries():
            try:
                found = self._store.checkpoints()
                break
            except Unavailable as cause:
                self._told(cause)
        self.came = {partition: found.get(partition, 0) for partition in partitions}
        self.partitions = frozenset(partitions)
        self._postponing.may_be_due = True
        self.watch.is_active = bool(self.partitions)
        log.info("projector.took_over", partitions=sorted(self.partitions))
        return self.came

    def give_up(self) -> None:
        """Nothing is ours any more: what is under way is tried this once, and not again."""
        self._given_up.set()
        self.partitions = frozenset()
        self.watch.is_active = False

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        """Whether records of ``partition`` up to then may be folded already."""
        return partition == CONTROL or self._gate.may_fold(partition, recorded_at)

    def fold(self, batch: Batch) -> None:
        """Fold ``batch``, if the share is not given up before it is done.

        Of a backlog, of whomever, rows of courses are left waiting: all workers are in one, or none
        is, lest one settles what the next batch of another leaves waiting again. Who waits already
        is left waiting by any batch.

        What can't be taken whole is taken by halves: of less there is less to wait for, and less
        in anybody's way. Raises ``NotOurs`` where another worker was given its partitions, and
        ``FoldBug``: then this process has to end.
        """
        rest, limit = batch, BATCH
        for _ in self._tries():
            while rest and not self._given_up.is_set():
                part, others = parted(rest, limit)
                try:
                    self._apply(part, waiting=max(_size(rest), self._gate.waiting))
                except Unavailable as cause:
                    limit = max(LEAST, min(limit, _size(part)) // 2)
                    self._told(cause)
                    break
                rest, limit = others, min(BATCH, 2 * limit)
            else:
                break
        self._settle()

    def settle(self) -> int:
        """Settle some of the rows that wait, where no batch does; gives how many.

        Of interest while ``may_be_due``.
        """
        self._postponing.see(self._gate.waiting)
        return self._settle()

    def _apply(self, batch: Batch, *, waiting: int) -> None:
        is_control = any(piece.partition == CONTROL for piece in batch)
        if not is_control:
            self._postponing.see(waiting)
        is_backlog = self._postponing.is_backlog and not is_control
        try:
            applied = apply(self._folds, batch, self._store, is_backlog=is_backlog)
        except TouchlineError:
            raise
        except Exception as cause:
            raise bug(self._folds, batch, self._store, cause) from cause
        self.attempts += 1
        self.came.update({piece.partition: piece.next for piece in batch})
        if is_control:
            self._postponing.may_be_due = True
        else:
            self._postponing.folded(applied)

    def _settle(self) -> int:
        """Some of the rows that wait, unless it is better to let them."""
        if self._given_up.is_set() or not self.may_be_due:
            return 0
        try:
            done = self._postponing.turn()
        except Unavailable as cause:
            self._told(cause)
            self._given_up.wait(FIRST_BACK_OFF_S)
            return 0
        self.attempts += 1
        return done

    def _tries(self) -> Iterator[None]:
        """Turns with growing pauses between them, until the share is given up."""
        back_off_s = FIRST_BACK_OFF_S
        while not self._given_up.is_set():
            yield
            self._given_up.wait(back_off_s)
            back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)

    def _told(self, cause: Unavailable) -> None:
        self.attempts += 1
        log.warning("projector.waiting", cause=str(cause))


def parted(batch: Batch, count: int) -> tuple[Batch, Batch]:
    """The first ``count`` records of ``batch``, and the others."""
    head: list[Slice] = []
    tail: list[Slice] = []
    for piece in batch:
        taken = min(count, len(piece.records))
        count -= taken
        if taken:
            head.append(Slice(piece.partition, piece.first, piece.records[:taken]))
        if taken < len(piece.records):
            tail.append(Slice(piece.partition, piece.first + taken, piece.records[taken:]))
    return head, tail


def _size(batch: Batch) -> int:
    return sum(len(piece.records) for piece in batch)
