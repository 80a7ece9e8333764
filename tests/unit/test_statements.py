"""Statements of days: laws that let one be told from another, and what callers mean by a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.errors import Refused
from services.projector.projections import loyalty
from services.projector.projections.loyalty import Book
from services.query.instants import MICROSECOND, stretch
from tests.ledgers import Told, folded, ledger
from tests.programmes import BOOKS, HOURS, LEDGERS

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Africa/Cairo"]


@given(LEDGERS, BOOKS, HOURS, HOURS)
def test_the_statement_of_a_day_is_the_beginning_of_every_later_one(
    events: list[Told], book: Book, one: datetime, other: datetime
) -> None:
    entries, (earlier, later) = ledger(events), sorted((one, other))

    whole = loyalty.statement(entries, book, later)

    part = loyalty.statement(entries, book, earlier)
    assert part == [line for line in whole if line.at <= earlier]
    assert part == whole[: len(part)]


@given(LEDGERS, BOOKS, HOURS, st.integers(0, 999_999))
def test_a_statement_stays_the_same_until_the_row_is_due(
    events: list[Told], book: Book, at: datetime, millionth: int
) -> None:
    entries = ledger(events)
    # A row is never as of an instant before its last entry.
    at = max([at, *(entry.occurred_at for entry in entries[-1:])])
    due: Any = loyalty.settle(folded(entries, book), at, book)["due_at"]
    last = due - MICROSECOND if due else at + timedelta(days=4000)

    later = at + (last - at) // 1_000_000 * millionth

    assert loyalty.statement(entries, book, later) == loyalty.statement(entries, book, at)


@given(LEDGERS, BOOKS, st.lists(HOURS, min_size=1, max_size=5))
def test_a_statement_that_goes_on_is_the_one_made_anew(
    events: list[Told], book: Book, instants: list[datetime]
) -> None:
    entries, going_on = ledger(events), loyalty.Statement(book)

    for at in sorted(instants):
        assert going_on.goes_on_to(entries, at)
        assert [*going_on.go_on(entries, at)] == loyalty.statement(entries, book, at)


@given(LEDGERS, BOOKS, HOURS, st.data())
def test_what_was_told_late_is_no_statement_to_go_on_with(
    events: list[Told], book: Book, at: datetime, data: st.DataObject
) -> None:
    entries = [entry for entry in ledger(events) if entry.occurred_at <= at]
    refunded = {entry.purchase for entry in entries}
    alone = [entry for entry in entries if entry.event not in refunded]
    assume(alone)
    late = data.draw(st.sampled_from(alone))
    before = [entry for entry in entries if entry is not late]
    going_on = loyalty.Statement(book)

    going_on.go_on(before, at)

    assert not going_on.goes_on_to(entries, at)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(day: date, zone: str) -> None:
    this = stretch(day.isoformat(), zone, field="at")
    following = stretch((day + timedelta(days=1)).isoformat(), zone, field="at")

    assert this.last + MICROSECOND == following.first
    assert timedelta(hours=22) < this.last - this.first < timedelta(hours=26)


def test_a_time_is_itself_wherever_the_workspace_is() -> None:
    at = datetime(2026, 11, 21, 10, tzinfo=UTC)

    for text in ("2026-11-21T10:00:00Z", "2026-11-21T11:00:00+01:00", "2026-11-21T10:00Z"):
        assert stretch(text, "Asia/Kathmandu", field="at") == (at, at)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2026-13-01", "2026-11-21T10:00:00", "9999-12-31", "0001-01-01", "²026-11-21"],
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        stretch(text, "Asia/Kathmandu" if text < "5" else "America/St_Johns", field="at")

    assert refused.value.problem.field == "at"
    assert refused.value.problem.remedy
