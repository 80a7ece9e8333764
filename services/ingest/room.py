"""Room: how far a load may run ahead of the folds, so that what others send is soon seen.

While the log is the load's alone, large chunks and batches save half of what an event costs. While
others append too, theirs wait for the batch at work: so a small chunk goes in as one is done.
"""

from collections import deque
from typing import Final, NamedTuple, Protocol


class Pace(NamedTuple):
    """Events of a chunk, and the records that may be in flight when it is appended."""

    chunk: int
    in_flight: int


ALONE: Final = Pace(1_000, 8_000)
BESIDE: Final = Pace(25, 25)
"""What 500 events a second leave in flight, so that batches are small. By bench/visible.py 95 of a
hundred events were seen within 87 ms beside a load at this pace, within 155 at 100 a chunk."""
LOOKS: Final = 40
"""For so many chunks after others were seen: events that come once a second keep the pace small."""


class Backlog(Protocol):
    """What the log holds, and how far the folds are behind."""

    def appended(self) -> int:
        """Records in the log, the load's and others': never more, at times some hundreds less."""

    def in_flight(self) -> int:
        """Records in the log that are not applied yet."""


class Room:
    """Asked before each chunk of a load; it sees by the log's growth whether others append."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._ours = 0
        self._others: deque[int] = deque(maxlen=LOOKS)
        """How many there were of others at each of the last looks."""
        self._looks = 0

    @property
    def pace(self) -> Pace:
        """As of the last look."""
        return BESIDE if self._looks else ALONE

    def took(self, count: int) -> None:
        """So many records of the load are in the log now."""
        self._ours += count

    def look(self) -> Pace:
        """See whether the log is ours alone; raises ``Unavailable``."""
        others = self._backlog.appended() - self._ours
        # Fewer than before were only seen late: who is new makes more of them than ever.
        has_company = bool(self._others) and others > max(self._others)
        self._looks = LOOKS if has_company else max(0, self._looks - 1)
        self._others.append(others)
        return self.pace

    def in_flight(self) -> int:
        """How many are in flight; raises ``Unavailable``."""
        return self._backlog.in_flight()
