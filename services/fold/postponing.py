"""Postponing: while a backlog is folded, customers' rows are settled rarely, and all at its end.

On the way it would be done for each customer ten times over, for nobody to see: who asks for one of
them is told what their entries come to.
"""

import math
from collections.abc import Callable
from time import monotonic
from typing import Final

from services.fold.apply import Applied, Folds
from services.fold.due import MOST, settle_due
from services.store.port import Store

MUCH: Final = 1_000
"""Records that make a backlog: a second of busy traffic, or a chunk of a load."""
CALM_S: Final = 1.0
"""Without as many until it is over: a load that the folds keep up with is settled once too."""
PATIENCE_S: Final = 60.0
"""With a backlog that does not end: then rows are settled beside it, half of the time."""
FEW: Final = 50
"""Customers who are settled at once at least; twice as many each time that no records came."""
BRIEF_S: Final = 0.05
"""Records that come in wait for it so long at most, as the last ones took. Half of what fifty cost
is the transaction's own: three times as many take twice as long."""
NEWS: Final = 4
"""Of so many records one is an event of a customer at least, where a backlog leaves rows waiting.
Decisions leave none: who waited for them to be folded would wait for what settling itself says."""
SHARE: Final = 10
"""And nine tenths of all time none is: settling takes in all that ever happened to a customer."""


class Backlog:
    """Whether there is one, or was a moment ago."""

    def __init__(self, clock_s: Callable[[], float] = monotonic, *, much: int = MUCH) -> None:
        self._clock_s, self._much, self._much_s = clock_s, much, -math.inf

    def see(self, waiting: int) -> bool:
        """Whether there is, now that so many records wait."""
        now_s = self._clock_s()
        if waiting >= self._much:
            self._much_s = now_s
        return now_s - self._much_s < CALM_S


class Postponing:
    """When rows that wait are settled; of one loop."""

    def __init__(
        self,
        folds: Folds,
        store: Store,
        clock_s: Callable[[], float] = monotonic,
        *,
        much: int = MUCH,
    ) -> None:
        """A backlog is where ``much`` waits."""
        self._folds, self._store, self._clock_s = folds, store, clock_s
        self.may_be_due = True
        """Whether there may be rows that wait."""
        self.is_backlog = False
        self._is_news = True
        self._since_s = self._seen_s = clock_s()
        self._backlog = Backlog(clock_s, much=much)
        self._bite = self._brief = FEW
        self._spent_s = self._took_s = 0.0
        """Settling, so far, and the last time until none was left."""

    def see(self, waiting: int) -> None:
        """So many records wait to be folded, just before a batch of them is."""
        was, self._seen_s = self.is_backlog, self._clock_s()
        self._bite = self._brief if waiting else min(2 * self._bite, MOST)
        self.is_backlog = self._backlog.see(waiting)
        if self.is_backlog:
            self.may_be_due = True
            self._since_s = self._since_s if was else self._seen_s

    def folded(self, applied: Applied) -> None:
        """That became of a batch."""
        self._is_news = applied.touches * NEWS >= sum(applied.tally)
        self.may_be_due |= applied.left > 0

    def turn(self) -> int:
        """Settle some of them; with a backlog for as long as the batch since ``see`` took.

        Gives how many.
        """
        now_s = self._clock_s()
        patience_s = max(PATIENCE_S, SHARE * self._took_s)
        if self.is_backlog and self._is_news and now_s - self._since_s < patience_s:
            return 0
        done = self._settle(now_s + (now_s - self._seen_s if self.is_backlog else 0.0), self._bite)
        then_s = self._clock_s()
        self._spent_s += then_s - now_s
        if not self.may_be_due:
            self._since_s, self._took_s, self._spent_s = then_s, self._spent_s, 0.0
        return done

    def finish(self) -> int:
        """Settle all that waits; gives how many."""
        return self._settle(math.inf, MOST)

    def _settle(self, until_s: float, bite: int) -> int:
        """Once at least, and until then on the clock."""
        done = 0
        while self.may_be_due:
            began_s = self._clock_s()
            settled = settle_due(self._folds, self._store, bite)
            self.may_be_due = settled > 0
            done += settled
            now_s = self._clock_s()
            self._learn(settled, now_s - began_s)
            if now_s >= until_s:
                break
        return done

    def _learn(self, settled: int, took_s: float) -> None:
        """How many are settled in a brief time, a customer being as many rows as there are courses.

        Never twice as many as before at once: what few cost says little of what many do.
        """
        if settled and took_s:
            customers = settled // len(self._folds.models.courses)
            fitting = int(customers * BRIEF_S / took_s)
            self._brief = max(FEW, min(fitting, 2 * self._brief, MOST))
