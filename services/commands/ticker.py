"""The ticker: tells the log each minute, since folds know no time but what the log says.

A minute's event has the minute for its id: told twice it is dropped, whoever tells it. Minutes that
nobody told are not made up for: a later one says all that they did.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from schemas import ClockTicked
from services.clock import Clock
from services.fold.decisions import decision

EVERYWHERE: Final = ""
"""Time passes in all workspaces at once; its record is in none of them."""


class Lock(Protocol):
    """Held by one process at a time."""

    def is_ours(self) -> bool:
        """Whether we hold it; tries to take it where nobody does."""


class Ticker:
    """One of several may tick; the others wait for its lock."""

    def __init__(self, lock: Lock, append: Callable[[str, bytes], object], clock: Clock) -> None:
        self._lock, self._append, self._clock = lock, append, clock
        self._last: datetime | None = None

    def tick(self) -> int:
        """Append the minute that has begun, unless it was told; gives how many were."""
        minute = self._clock.now().replace(second=0, microsecond=0)
        if minute == self._last or not self._lock.is_ours():
            return 0
        self._append(EVERYWHERE, ticked(minute))
        self._last = minute
        return 1


def ticked(minute: datetime) -> bytes:
    """The event that says that ``minute`` has begun."""
    data = ClockTicked(ticked_at=minute)
    return decision(data, id_=f"tick/{minute:%Y-%m-%dT%H:%MZ}", occurred_at=minute)
