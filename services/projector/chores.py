"""Chores: what one process of all has to do beside folding, whoever holds its lock."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from services.errors import Unavailable

PAUSE_S: Final = 0.025
LONGEST_BACK_OFF_S: Final = 1.0

log = structlog.get_logger()


class Chores:
    """Steps in turn, each of which gives how much there was to do."""

    def __init__(self, steps: Sequence[Callable[[], int]]) -> None:
        self._steps = steps

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; what is away is waited for, with growing pauses."""
        pause_s = PAUSE_S
        while not stop.is_set():
            try:
                worked = sum(step() for step in self._steps)
            except Unavailable as cause:
                pause_s = min(2 * pause_s, LONGEST_BACK_OFF_S)
                log.warning("chores.waiting", cause=str(cause), back_off_s=pause_s)
                stop.wait(pause_s)
            else:
                pause_s = PAUSE_S
                if not worked:
                    stop.wait(PAUSE_S)
