"""Shift: a data set moved in time by whole days, so that it ends now at its own hours."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Shift:
    """A number of whole days that every time of one load is moved by."""

    days: int = 0

    @classmethod
    def to_end_by(cls, last_at: datetime, now: datetime) -> Self:
        """The largest shift that leaves nothing after ``now``: the end is less than a day old."""
        return cls((now - last_at).days)

    def time(self, seconds: int) -> str:
        """RFC 3339, of ``seconds`` since 1970 in the data's own time."""
        shifted = datetime.fromtimestamp(seconds + self.days * DAY_S, UTC)
        return shifted.isoformat()[:19] + "Z"
