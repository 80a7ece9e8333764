"""The loop that scores: it follows the projector, batch by batch, for ever."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from services.errors import NotOurs, TouchlineError
from services.fold.garbage import Heap
from services.fold.loop import read_batch
from services.fold.watch import Turns
from services.log.port import Log, Position
from services.scoring import due
from services.scoring.fold import score_batch
from services.scoring.giving_way import GivingWay
from services.scoring.listening import Listener
from services.scoring.shelf import Shelf
from services.store.scores import Scores

BATCH: Final = 15_000
"""Records of one transaction at most, to begin with: who is named ten times in it is scored once,
from all that ever happened to them. So batches of a backlog grow,"""
MOST: Final = 60_000
"""to so many, about 100 MB,"""
QUICK_S: Final = 10.0
"""while they take less than that; what takes longer than"""
SLOW_S: Final = 25.0
"""is halved, long before the database would give up waiting for us."""
LEAST: Final = 1_000
REST_S: Final = 0.1
"""After a small batch it rests for as long as that took, at most so long: half of the time. An
alert waits for it, and for the batch at hand; with each batch of the projector's, though, scoring
would take as much of the processor as folding, and everybody would wait."""
GIVE_WAY_S: Final = 0.2
"""Between two looks at the projector, while it folds a backlog."""
PAUSE_S: Final = 0.1
"""The same while it is behind the log, though nothing was heard of it."""
IDLE_S: Final = 1.0
STAND_BY_S: Final = 5.0
LONGEST_BACK_OFF_S: Final = 15.0

log = structlog.get_logger()


class ScoringLoop:
    """Scores whatever the projector has applied; one instance a store works, others wait."""

    def __init__(
        self,
        source: Log,
        store: Scores,
        listener: Listener | None = None,
        *,
        turns: Turns | None = None,
        folded: Callable[[float], None] | None = None,
        after: Callable[[], int] = lambda: 0,
    ) -> None:
        """``folded`` waits so many seconds for the projector, if only for what comes to the log.

        ``after`` brings what was decided on its way, and gives how much there was.
        """
        self._log, self._store, self._turns, self._after = source, store, turns, after
        self._folded = folded or source.wait
        self._shelf, self._may_be_due = Shelf(listener), True
        self._giving_way, self._heap = GivingWay(), Heap(self._shelf.forget)
        self._limit = BATCH

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is away is waited for, with growing pauses."""
        back_off_s = 0.1
        while not stop.is_set():
            began_s = monotonic()
            self._show(is_active=True)
            try:
                worked = self.once()
                self._heap.took(worked)
                if not worked:
                    self._wait(stop)
                elif worked < self._limit:
                    stop.wait(min(REST_S, monotonic() - began_s))
                back_off_s = 0.1
            except NotOurs:
                self._show(is_active=False)
                stop.wait(STAND_BY_S)
            except TouchlineError as cause:
                self._limit = max(LEAST, self._limit // 2)
                log.warning("scoring.waiting", cause=str(cause), back_off_s=back_off_s)
                stop.wait(back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)

    def once(self) -> int:
        """One batch, and some of the rows that are due by it; gives how much there was to do."""
        applied = self._store.checkpoints()
        if self._gives_way(applied):
            return 0
        began_s, limit = monotonic(), self._limit
        batch = read_batch(self._log, self._store.progress(), applied, limit=limit)
        worked = score_batch(batch, self._store, self._shelf)
        if worked:
            self._after()
        # Seldom quite so many: none is taken that was recorded later than one that is left.
        self._learn(monotonic() - began_s, is_full=worked > limit // 2)
        self._may_be_due |= worked > 0
        if self._may_be_due:
            # Where events come few are taken at a time: an alert waits for them.
            found = due.score_due(self._store, self._shelf, due.SOME if worked else due.MOST)
            self._may_be_due = found > 0
            if found:
                self._after()
            worked += found
        self._giving_way.ended()
        return worked

    def _learn(self, took_s: float, *, is_full: bool) -> None:
        """Choose how large the next batch may be by what the last one took."""
        if is_full and took_s < QUICK_S:
            self._limit = min(2 * self._limit, MOST)
        elif took_s > SLOW_S:
            self._limit = max(LEAST, self._limit // 2)

    def _show(self, *, is_active: bool) -> None:
        if self._turns is not None:
            self._turns.is_active = is_active
            self._turns.turn()

    def _gives_way(self, applied: Position) -> bool:
        behind = sum(self._log.ends().values()) - sum(applied.values())
        return self._giving_way.gives_way(behind, is_settled=self._store.is_settled())

    def _is_behind(self) -> bool:
        progress = self._store.progress()
        return any(end > progress.get(at, 0) for at, end in self._log.ends().items())

    def _wait(self, stop: threading.Event) -> None:
        """Until the projector may have more."""
        if self._giving_way.has_backlog:
            stop.wait(GIVE_WAY_S)
        elif self._is_behind():
            self._folded(PAUSE_S)
        else:
            self._heap.rest()
            self._folded(IDLE_S)
