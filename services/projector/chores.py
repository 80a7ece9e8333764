"""Chores: what one process of all has to do beside folding, whoever holds its lock."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from services.errors import Unavailable

PAUSE_S: Final = 0.025
TOGETHER_S: Final = 0.1
"""What comes all the time goes in turns that far apart: with a turn of its own for every few, the
relay alone cost a tenth of two processors beside 5,000 events a second."""
LONGEST_BACK_OFF_S: Final = 1.0

log = structlog.get_logger()


class Chores:
    """Steps in turn, each of which gives how much there was to do."""

    def __init__(self, steps: Sequence[Callable[[], int]], *, much: int = 1) -> None:
        """Where there was ``much`` to do, the next turn begins at once."""
        self._steps, self._much = steps, much

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is away is waited for, with growing pauses."""
        back_off_s = PAUSE_S
        while not stop.is_set():
            try:
                worked = sum(step() for step in self._steps)
            except Unavailable as cause:
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
                log.warning("chores.waiting", cause=str(cause), back_off_s=back_off_s)
                stop.wait(back_off_s)
            else:
                back_off_s = PAUSE_S
                if worked < self._much:
                    stop.wait(TOGETHER_S if worked else PAUSE_S)
