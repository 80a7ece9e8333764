"""Instants as people write them on the command line."""

from datetime import UTC, datetime


def instant(text: str, *, field: str) -> datetime:
    """The time in ``text``, which names its zone; raises ``Refused``."""
    from services.errors import Refused

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        remedy = "write a time with its zone, like 2026-12-01T00:00:00Z"
        raise Refused("is no such time", remedy, field=field, value=text)
    return at.astimezone(UTC)
