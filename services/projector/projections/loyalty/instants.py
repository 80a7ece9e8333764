"""Instants as whole microseconds since 1970, which compare and encode faster than datetimes."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
BEGINNING: Final = -(2**62)
"""Before every instant."""
NEVER: Final = 2**62
"""After every instant."""


def micros(instant: datetime) -> int:
    """``instant`` in microseconds, exactly."""
    passed = instant - EPOCH
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds


def instant(at: int) -> datetime:
    """The instant of so many microseconds."""
    return EPOCH + timedelta(0, 0, at)
