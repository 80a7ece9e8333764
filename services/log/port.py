"""The log: partitions of records, appended once, read by offset, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

CONTROL: Final = 0
"""The partition of control events (workspaces, policies, ticks, merges, splits, voids)."""

Position = Mapping[int, int]
"""For each partition named, the offset after the last record covered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to append: any bytes, to one partition."""

    partition: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as read back; offsets of a partition are 0, 1, 2 … without a gap."""

    offset: int
    recorded_at: datetime
    payload: bytes


class Log(Protocol):
    """What the platform asks of a log; every adapter passes ``tests/contract/log.py``."""

    partitions: int
    """How many there are, control included; fixed when the log is made."""

    def append(self, entries: Sequence[Entry]) -> Position:
        """Append ``entries`` in order, all or none; durable on return.

        Safe to call from many threads: concurrent small appends commit together. Raises ``Unavailable``;
        then nothing or everything was appended, and appending again is harmless (ids are deduplicated).
        """

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        """At most ``limit`` records from ``offset`` on, in order; what is returned stays readable for ever."""

    def ends(self) -> Position:
        """For every partition the offset that its next record will have."""

    def wait(self, timeout_s: float) -> None:
        """Return when something was appended since the last call, at the latest after ``timeout_s``."""

    def close(self) -> None:
        """Give connections back; the log is not used afterwards."""


def partition_of(leaf: str, partitions: int) -> int:
    """The partition of an event by its leaf's hash: 1 + hash mod (n − 1)."""
    return 1 + int(leaf[16:], 16) % (partitions - 1)
