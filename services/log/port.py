"""The log: partitions of records, appended once, read by offset, never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

CONTROL: Final = 0
"""The partition of control events (workspaces, policies, ticks, merges, splits, voids)."""

Position = Mapping[int, int]
"""For each partition named, the offset after the last record covered."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A record to append: any bytes, to one partition."""

    partition: int
    payload: bytes


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A record as read back; offsets of a partition are 0, 1, 2 … without a gap.

    A struct, like Entry, since a batch makes ten thousand: a seventh of a frozen dataclass's cost.
    """

    offset: int
    recorded_at: datetime
    payload: bytes


class Log(Protocol):
    """What the platform asks of a log; every adapter passes ``tests/contract/log.py``."""

    @property
    def partitions(self) -> int:
        """How many there are, control included; fixed when the log is made."""

    def append(self, entries: Sequence[Entry]) -> Position:
        """Append ``entries`` in order; durable on return.

        Safe to call from many threads: concurrent small appends commit together. Raises
        ``Unavailable``; then all or nothing was appended, or on Kafka any part of it, which may
        come a little later too: append it again, which is harmless (ids are deduplicated).
        """

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        """At most ``limit`` records from ``offset`` on, in order; they stay readable for ever.

        Large records make it fewer than ``limit`` though more follow; only ``[]`` means the end.
        """

    def ends(self) -> Position:
        """For every partition the offset that its next record will have."""

    def wait(self, timeout_s: float) -> None:
        """Return once something was appended since this thread's last call, or after ``timeout_s``.

        May return early: read, then wait again.
        """

    def close(self) -> None:
        """Finish what was begun, give connections back; the log is not used afterwards."""


def partition_of(leaf: str, partitions: int) -> int:
    """The partition of an event by its leaf's hash: 1 + hash mod (n − 1)."""
    return 1 + int(leaf[16:], 16) % (partitions - 1)
