"""The clock on a wall in a time zone: spans, days, months and years as people there count them."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.rules.loyalty import Span
from services.projector.projections.loyalty.instants import BEGINNING, DAY, EPOCH, SECOND, micros

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2120, 1, 1, tzinfo=UTC)
"""Before the former and after the latter a zone keeps the offset that it has there."""
END: Final = micros(datetime(9999, 12, 31, tzinfo=UTC))
"""Stands for every later instant."""
_STEP: Final = timedelta(days=3)
"""No zone has changed its offset twice within a week, as far as the IANA database knows."""
_ORIGIN: Final = EPOCH.toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A wall clock: a zone's offsets, with when each begins."""

    starts: tuple[int, ...]
    offsets: tuple[int, ...]
    walls: tuple[int, ...]
    """The times on the wall from which each offset reads them."""

    def shown(self, at: int) -> int:
        """What the clock shows at an instant."""
        return at + self.offsets[bisect_right(self.starts, at) - 1]

    def instant(self, wall: int) -> int:
        """When the clock first shows ``wall``.

        A time that it leaves out moves forward by as much as the clock was put forward.
        """
        return wall - self.offsets[bisect_right(self.walls, wall) - 1]

    def after(self, at: int, span: Span) -> int:
        """When ``span`` from ``at`` on has passed: at the same time of day, so much later."""
        # As ``shown`` and ``instant`` have it, without the calls: most of what an entry asks.
        if len(self.starts) == 1:
            if not span.months:
                return min(at + span.days * DAY, END)
            day, rest = divmod(at + self.offsets[0], DAY)
            day = _months_on(day, span.months) + span.days
            return min(day * DAY + rest - self.offsets[0], END)
        wall = at + self.offsets[bisect_right(self.starts, at) - 1]
        if span.months:
            day, rest = divmod(wall, DAY)
            wall = _months_on(day, span.months) * DAY + rest
        wall += span.days * DAY
        return min(wall - self.offsets[bisect_right(self.walls, wall) - 1], END)

    def month(self, at: int) -> str:
        """The month that ``at`` falls in, like 2026-11."""
        return _month(self.shown(at) // DAY)

    def end_of_day(self, at: int) -> int:
        """When the day that ``at`` falls in ends."""
        return self.instant((self.shown(at) // DAY + 1) * DAY)

    def end_of_year(self, at: int, years: int) -> int:
        """When the year that ``at`` falls in ends, or that so many years later."""
        return min(self.instant(_end_of_year(self.shown(at) // DAY, years) * DAY), END)


@lru_cache(maxsize=1_000)
def wall_in(zone: str) -> Wall:
    """The clock of an IANA zone; made once, which takes some ten milliseconds."""
    if zone == "UTC":
        return Wall((BEGINNING,), (0,), (BEGINNING,))
    place = ZoneInfo(zone)
    starts, offsets, walls = [BEGINNING], [_offset(FIRST, place)], [BEGINNING]
    at = FIRST
    while at < LAST:
        following = at + _STEP
        offset = _offset(following, place)
        if offset != offsets[-1]:
            start = micros(_change(at, following, place))
            starts.append(start)
            walls.append(start + max(offset, offsets[-1]))
            offsets.append(offset)
        at = following
    return Wall(tuple(starts), tuple(offsets), tuple(walls))


def _offset(at: datetime, place: tzinfo) -> int:
    passed = at.astimezone(place).utcoffset() or timedelta()
    return (passed.days * 86_400 + passed.seconds) * SECOND


def _change(before: datetime, after: datetime, place: tzinfo) -> datetime:
    """The second at which the offset at ``after`` begins."""
    offset = _offset(after, place)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if _offset(middle, place) == offset:
            after = middle
        else:
            before = middle
    return after


@lru_cache(maxsize=16_384)
def _months_on(day: int, months: int) -> int:
    """The same day of the month so many months later, or that month's last."""
    begun = _date(day)
    year, month = divmod(begun.year * 12 + begun.month - 1 + months, 12)
    try:
        end_of_month = date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)
    except (ValueError, OverflowError):
        return END // DAY
    return end_of_month.replace(day=min(begun.day, end_of_month.day)).toordinal() - _ORIGIN


@lru_cache(maxsize=16_384)
def _month(day: int) -> str:
    return _date(day).isoformat()[:7]


@lru_cache(maxsize=16_384)
def _end_of_year(day: int, years: int) -> int:
    year = _date(day).year + years + 1
    return date(min(year, date.max.year), 1, 1).toordinal() - _ORIGIN


def _date(day: int) -> date:
    return date.fromordinal(min(max(day + _ORIGIN, 1), date.max.toordinal()))
