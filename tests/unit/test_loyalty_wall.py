"""Wall clocks: what they show, and when, agrees with the IANA database everywhere."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.rules.loyalty import Span
from services.projector.projections.loyalty.instants import BEGINNING, instant, micros
from services.projector.projections.loyalty.wall import END, FIRST, LAST, wall_in

ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata"),
    *("Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"),
    *("Asia/Gaza", "America/Noronha", "Africa/Monrovia", "Pacific/Chatham"),
]
ANY_ZONE = st.sampled_from(ZONES)
SPANNED = int((LAST - FIRST).total_seconds()) - 86_400
INSTANTS = st.integers(86_400, SPANNED).map(lambda passed: FIRST + timedelta(seconds=passed))


@given(ANY_ZONE, INSTANTS)
def test_a_wall_shows_what_the_zone_says(zone: str, at: datetime) -> None:
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)

    assert wall_in(zone).shown(micros(at)) == micros(shown)


@given(ANY_ZONE, INSTANTS)
@example("Europe/Berlin", datetime(2026, 3, 29, 2, 30, tzinfo=UTC))
@example("Europe/Berlin", datetime(2026, 10, 25, 2, 30, tzinfo=UTC))
@example("Pacific/Apia", datetime(2011, 12, 30, 12, tzinfo=UTC))
def test_a_time_on_the_wall_is_its_first_instant(zone: str, wall: datetime) -> None:
    first = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)

    assert instant(wall_in(zone).instant(micros(wall))) == first


@given(ANY_ZONE, INSTANTS, st.integers(0, 24))
def test_months_later_is_the_same_day_or_the_months_last(
    zone: str, at: datetime, months: int
) -> None:
    place = ZoneInfo(zone)
    begun = at.astimezone(place)

    after = instant(wall_in(zone).after(micros(at), Span(months=months))).astimezone(place)

    assert (after.year * 12 + after.month) - (begun.year * 12 + begun.month) == months or (
        # A day that the zone left out altogether.
        zone == "Pacific/Apia"
    )
    next_day = after + timedelta(days=1)
    assert after.day == begun.day or next_day.day == 1 or zone == "Pacific/Apia"


@given(ANY_ZONE, INSTANTS, INSTANTS, st.sampled_from([Span(days=30), Span(months=1)]))
def test_what_begins_later_ends_no_earlier(
    zone: str, one: datetime, other: datetime, span: Span
) -> None:
    wall = wall_in(zone)
    earlier, later = sorted((micros(one), micros(other)))

    # The hour that comes twice is read as the first, so ends may swap by as much as clocks go back.
    assert wall.after(earlier, span) <= wall.after(later, span) + 24 * 3_600_000_000


@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_all_calendars_are_borne(zone: str) -> None:
    wall = wall_in(zone)

    for at in (micros(datetime.min.replace(tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))):
        for end in (wall.after(at, Span(months=120)), wall.after(at, Span(days=3660))):
            assert BEGINNING < end <= END
            assert instant(end) > datetime.min.replace(tzinfo=UTC)
        assert wall.month(at)
        assert wall.end_of_year(at, 10) <= END
        assert wall.end_of_day(at)
