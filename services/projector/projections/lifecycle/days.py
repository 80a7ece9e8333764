"""Days as whole numbers, in UTC; 1970-01-01 is day 1, so that 0 may stand for never."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

EPOCH: Final = date(1970, 1, 1).toordinal() - 1
NEVER: Final = 0
"""A day that has not been."""
FOREVER: Final = date.max.toordinal() - EPOCH
"""A day that will not come."""


def day_of(instant: datetime) -> int:
    """The day in UTC that an aware time falls on."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.toordinal() - EPOCH


@lru_cache(maxsize=8192)
def date_of(day: int) -> date:
    """The day as a date."""
    return date.fromordinal(day + EPOCH)


@lru_cache(maxsize=8192)
def text_of(day: int) -> str:
    """The day as ISO 8601 writes it."""
    return date.fromordinal(day + EPOCH).isoformat()


@lru_cache(maxsize=8192)
def start_of(day: int) -> datetime:
    """Its first instant."""
    return datetime.fromordinal(day + EPOCH).replace(tzinfo=UTC)


def first_whole_day(instant: datetime) -> int:
    """The first day that begins at ``instant`` or later."""
    day = day_of(instant)
    return day if start_of(day) == instant else day + 1
