"""The lookout: how far log and rows are, seen from beside the worker, and what follows from it."""

import os
import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.errors import Unavailable
from services.log.port import CONTROL, Log
from services.store.port import Store

LOOK_S: Final = 1.0
BEHIND: Final = timedelta(minutes=4)
"""A policy applies fifteen minutes after its recording at the earliest, and an event may be ten
ahead of its own: five are left, and one of them is for clocks that differ."""
STALLED_S: Final = 150.0
"""Two statements that the database gave up only after a minute each have ended by then."""

log = structlog.get_logger()


def end_process() -> None:
    """At once: what hangs would not let go."""
    os._exit(1)


class Lookout:
    """Looks every second, on connections of its own; a worker that hangs can't hinder it."""

    def __init__(
        self,
        source: Log,
        store: Store,
        *,
        end_stopped: Callable[[], object],
        stalled_s: float = STALLED_S,
        now_s: Callable[[], float] = time.monotonic,
        end: Callable[[], object] = end_process,
    ) -> None:
        """``end_stopped`` frees what workers hold that were stopped; ``end`` ends this one."""
        self._log, self._store, self._end_stopped = source, store, end_stopped
        self._stalled_s = stalled_s
        self._now_s, self._end = now_s, end
        self._waiting_since: datetime | None = None
        self.waiting = 0
        """Records of all partitions that waited to be folded, control's aside; as last seen."""
        self._seen: object = None
        self._moved_s = self._looked_s = now_s()

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        """Whether control is not too far behind what was recorded then; as last seen."""
        _ = partition
        return self._waiting_since is None or recorded_at - self._waiting_since <= BEHIND

    def run(
        self,
        stop: threading.Event,
        partitions: Callable[[], Collection[int]],
        attempts: Callable[[], int],
    ) -> None:
        """Look until ``stop`` is set, and end a worker whose ``partitions`` wait in vain."""
        while not stop.is_set():
            self._looked_s = self._now_s()
            try:
                self.look(partitions(), attempts())
            except Unavailable as cause:
                # Nothing can be told of who waits for the same.
                self._moved_s = self._now_s()
                log.warning("lookout.blind", cause=str(cause))
            stop.wait(LOOK_S)

    def guard(self, stop: threading.Event) -> None:
        """Until ``stop`` is set, end a worker whose look hangs: on a line that is silent, say.

        A server that is gone is noticed within seconds. A line that takes what is sent, and brings
        nothing back, is noticed by nobody else: all that asks through it waits for ever.
        """
        while not stop.wait(LOOK_S):
            self.oversee()

    def oversee(self) -> None:
        """See whether the look at hand has taken too long."""
        if (seconds := self._now_s() - self._looked_s) > self._stalled_s:
            log.critical("projector.blind", seconds=round(seconds))
            self._end()

    def look(self, partitions: Collection[int], attempts: int) -> None:
        """See where control stands, and whether these partitions move while they have records."""
        came, ends = self._store.checkpoints(), self._log.ends()
        at = came.get(CONTROL, 0)
        behind = self._log.read(CONTROL, at, 1) if at < ends.get(CONTROL, 0) else ()
        self._waiting_since = behind[0].recorded_at if behind else None
        self.waiting = sum(
            max(0, end - came.get(partition, 0))
            for partition, end in ends.items()
            if partition != CONTROL
        )
        ours = {partition: came.get(partition, 0) for partition in partitions}
        has_lag = any(at < ends.get(partition, 0) for partition, at in ours.items())
        if not has_lag or self._seen != (ours, attempts):
            self._seen, self._moved_s = (ours, attempts), self._now_s()
        elif self._now_s() - self._moved_s > self._stalled_s:
            log.critical("projector.stalled", partitions=sorted(ours), seconds=self._stalled_s)
            self._end()
        self._end_stopped()
