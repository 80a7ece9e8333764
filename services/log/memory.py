"""The log in memory: for tests, and the measure of what the other adapters must do."""

import threading
from collections.abc import Sequence
from typing import Final

from services.clock import Clock, SystemClock
from services.log.port import Entry, Position, Stored
from services.log.wakeup import Wakeup

CLOCK: Final[Clock] = SystemClock()


class MemoryLog:
    """Lists under one lock; gone with the process."""

    def __init__(self, partitions: int = 16, clock: Clock = CLOCK) -> None:
        self.partitions = partitions
        self._clock = clock
        self._records: list[list[Stored]] = [[] for _ in range(partitions)]
        self._recorded_at = clock.now()
        self._lock = threading.Lock()
        self._wakeup = Wakeup()

    def append(self, entries: Sequence[Entry]) -> Position:
        touched = sorted({entry.partition for entry in entries})
        if touched and not 0 <= touched[0] <= touched[-1] < self.partitions:
            raise ValueError(f"partition {touched} in a log of {self.partitions}")
        with self._lock:
            self._recorded_at = max(self._recorded_at, self._clock.now())
            for entry in entries:
                records = self._records[entry.partition]
                records.append(Stored(len(records), self._recorded_at, entry.payload))
            position = {partition: len(self._records[partition]) for partition in touched}
        self._wakeup.wake()
        return position

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        with self._lock:
            return self._records[partition][offset : offset + limit]

    def ends(self) -> Position:
        with self._lock:
            return {partition: len(records) for partition, records in enumerate(self._records)}

    def wait(self, timeout_s: float) -> None:
        self._wakeup.wait(timeout_s)

    def close(self) -> None:
        """Nothing to give back."""
