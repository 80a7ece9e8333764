"""Instants and days in addresses: what a caller means by ``at``, ``from`` and ``to``."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.errors import Refused

MICROSECOND: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)


class Stretch(NamedTuple):
    """From its first instant to its last, which is the same for a time."""

    first: datetime
    last: datetime


def stretch(text: str, zone: str, *, field: str) -> Stretch:
    """What ``text`` names: a time, or a day by the clocks of ``zone``. Raises ``Refused``."""
    try:
        if len(text) == len("2026-11-21"):
            day = date.fromisoformat(text)
            return Stretch(_start(day, zone), _start(day + DAY, zone) - MICROSECOND)
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return Stretch(at.astimezone(UTC), at.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise Refused(
        "is neither a day nor a time with a zone",
        "send it like 2026-11-21 or 2026-11-21T10:00:00Z",
        field=field,
        value=text[:80],
    )


def _start(day: date, zone: str) -> datetime:
    """The first instant of ``day``; raises ``OverflowError``."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(zone)).astimezone(UTC)
