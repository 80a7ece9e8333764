"""Giving way: with a backlog of the projector scoring lets it go first, for most of the time."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from services.fold.postponing import Backlog

PATIENCE_S: Final = 60.0
"""At most so long, to take what came in a few large batches: beside each other both would be slow,
and who is named in several of them is scored in each."""
SHARE: Final = 10
"""And nine times as long as the last batch took: busy traffic that the folds fall behind for some
seconds is scored meanwhile, in small batches, as the alerts in it are awaited."""


class GivingWay:
    """When scoring waits for the projector; of one loop."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s, self._backlog = clock_s, Backlog(clock_s)
        self._began_s = self._ended_s = clock_s()
        self.has_backlog = False
        """Whether the projector has one."""

    def gives_way(self, behind: int, *, is_settled: bool) -> bool:
        """Whether to wait, now that the projector is so many records behind; else a batch begins.

        ``is_settled`` says that it left no rows waiting.
        """
        now_s = self._clock_s()
        self.has_backlog = self._backlog.see(behind) or not is_settled
        patience_s = min(PATIENCE_S, (SHARE - 1) * (self._ended_s - self._began_s))
        if self.has_backlog and now_s - self._ended_s < patience_s:
            return True
        self._began_s = self._ended_s = now_s
        return False

    def ended(self) -> None:
        """The batch that began is done."""
        self._ended_s = self._clock_s()
