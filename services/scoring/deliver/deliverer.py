"""The deliverer: queues what was decided and sends it, for as long as it is told to."""

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from services.clock import Clock
from services.errors import NotOurs, TouchlineError
from services.log.port import Log
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.feed import AT_ONCE, feed_once
from services.store.deliveries import Progress

LOOK_S: Final = 0.2
"""Between two looks when there was nothing to do; of it comes half of how late a decision is."""
STAND_BY_S: Final = 2.0
LONGEST_BACK_OFF_S: Final = 15.0
SILENT_S: Final = 20
"""A process that is stopped for longer lets another one send; more than the longest back-off."""
PURGE_S: Final = 600.0

log = structlog.get_logger()


class Lock(Protocol):
    """Who sends; others stand by."""

    def is_ours(self) -> bool:
        """Whether we hold it; raises ``Unavailable``."""


class Deliverer:
    """One process of all sends, so that a target gets one delivery at a time."""

    def __init__(
        self, lock: Lock, source: Log, progress: Progress, courier: Courier, *, clock: Clock
    ) -> None:  # fmt: skip
        self._lock, self._log, self._progress = lock, source, progress
        self._courier, self._clock = courier, clock
        self._purged_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; nothing that goes wrong here stops the folds."""
        back_off_s = LOOK_S
        while not stop.is_set():
            try:
                stop.wait(self._turn())
            except NotOurs:
                stop.wait(STAND_BY_S)
            except Exception as cause:  # noqa: BLE001 - a bug here is no reason to stop folding
                self._complain(cause, back_off_s)
                stop.wait(back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
            else:
                back_off_s = LOOK_S

    def _turn(self) -> float:
        """Do what there is to do; gives how long to wait until the next look."""
        if not self._lock.is_ours():
            return STAND_BY_S
        looked = feed_once(self._log, self._progress, self._clock.now())
        self._courier.turn()
        if time.monotonic() - self._purged_s > PURGE_S:
            self._purged_s = time.monotonic()
            self._courier.purge()
        return 0.0 if looked >= AT_ONCE else LOOK_S

    def _complain(self, cause: Exception, back_off_s: float) -> None:
        tell: Callable[..., None] = (
            log.warning if isinstance(cause, TouchlineError) else log.exception
        )
        tell("deliveries.waiting", cause=str(cause), back_off_s=back_off_s)
