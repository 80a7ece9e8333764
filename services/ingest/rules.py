"""Rules: what an event must satisfy beyond its schema, from whom and when."""

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas import RewardGranted, appendable_by
from schemas.problems import Problem

FUTURE_SKEW: Final = timedelta(minutes=10)
"""How far a producer's clock may be ahead of ours."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
RESERVED: Final = ("touchline", "browser/")
"""How sources begin that only we write."""


def is_control(type_: str) -> bool:
    """Whether only our own commands and folds append ``type_``; an unknown type is no control."""
    try:
        return appendable_by(type_) == "control"
    except LookupError:
        return False


def is_ours(type_: str) -> bool:
    """Whether our own commands and folds append ``type_``: control, and rewards that points buy."""
    return is_control(type_) or type_ == RewardGranted.type


def forbidden(type_: str) -> Problem:
    """Told to any key that posts a control event."""
    problem = "is recorded by Touchline itself, never by a key"
    return Problem("type", type_, problem, "use the command or the page that does it")


def reserved(source: str) -> Problem | None:
    """Told to who names a source that only we write: it would pass for ours, or a browser's."""
    if not source.startswith(RESERVED):
        return None
    remedy = "name the system that saw it; what a browser key sends is marked by us"
    return Problem("source", source, "is reserved for Touchline", remedy)


def mistimed(occurred_at: datetime | None, received_at: datetime) -> Problem | None:
    """Told to who sends what happened before 1970, or will happen."""
    if occurred_at is None:
        return None
    if occurred_at < EARLIEST:
        problem, remedy = "is before 1970", "send when it happened, in RFC 3339"
    elif occurred_at > received_at + FUTURE_SKEW:
        problem = f"is more than 10 minutes after our clock, {shown(received_at)}"
        remedy = "set the sender's clock, or send it once it has happened"
    else:
        return None
    return Problem("occurred_at", shown(occurred_at), problem, remedy)


def shown(instant: datetime) -> str:
    """RFC 3339 in UTC, as people write it."""
    return instant.isoformat().replace("+00:00", "Z")
