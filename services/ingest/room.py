"""Room: how far a load may run ahead of the folds, so that what others send is soon seen."""

from typing import Final, Protocol

ROOM_ALONE: Final = 2_000
"""Records in flight while the log is the load's alone: large batches cost half as much an event."""
ROOM_BESIDE: Final = 100
"""While others append too: what 500 events a second leave in flight, so that a chunk goes in as one
is done. Measured by bench/visible.py: with 4,000 an event was seen after 760 ms, with this 75."""
LOOKS: Final = 40
"""For so many chunks after others were seen: events that come once a second keep the room small."""


class Backlog(Protocol):
    """What the log holds, and how far the folds are behind."""

    def appended(self) -> int:
        """Records in the log, whoever appended them."""

    def in_flight(self) -> int:
        """Records in the log that are not applied yet."""


class Room:
    """Asked before each chunk of a load; it sees by the log's growth whether others append."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._expected: int | None = None
        self._looks = 0

    def took(self, count: int) -> None:
        """So many records of the load are in the log now."""
        if self._expected is not None:
            self._expected += count

    def limit(self) -> int:
        """How many records may be in flight; raises ``Unavailable``."""
        appended = self._backlog.appended()
        has_company = self._expected is not None and appended > self._expected
        self._looks = LOOKS if has_company else max(0, self._looks - 1)
        self._expected = appended
        return ROOM_BESIDE if self._looks else ROOM_ALONE

    def in_flight(self) -> int:
        """How many are in flight; raises ``Unavailable``."""
        return self._backlog.in_flight()
