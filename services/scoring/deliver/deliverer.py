"""The deliverer: queues what was decided and sends it, for as long as it is told to."""

import threading
import time
from typing import Final, Protocol

from services.clock import Clock
from services.errors import NotOurs
from services.log.port import Log
from services.patience import keep_on
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.feed import AT_ONCE, feed_once
from services.store.deliveries import Progress

LOOK_S: Final = 0.2
"""Between two looks when there was nothing to do; of it comes half of how late a decision is."""
STAND_BY_S: Final = 2.0
SILENT_S: Final = 20
"""A process that is stopped for longer lets another one send; more than the longest back-off."""
PURGE_S: Final = 600.0


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
        keep_on(stop, self._turn, waiting="deliveries.waiting")

    def _turn(self) -> float:
        """Do what there is to do; gives how long to wait until the next look."""
        if not self._lock.is_ours():
            return STAND_BY_S
        try:
            looked = feed_once(self._log, self._progress, self._clock.now())
        except NotOurs:
            return STAND_BY_S
        self._courier.turn()
        if time.monotonic() - self._purged_s > PURGE_S:
            self._purged_s = time.monotonic()
            self._courier.purge()
        return 0.0 if looked >= AT_ONCE else LOOK_S
