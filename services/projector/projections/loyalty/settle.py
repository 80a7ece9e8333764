"""Settling: what people see of a member at an instant."""

from bisect import bisect_left, bisect_right
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple

from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.instants import NEVER, instant, micros
from services.projector.projections.loyalty.ledger import added, over
from services.projector.projections.loyalty.state import (
    EXPIRED,
    IDLE,
    NO_SUMS,
    Lot,
    State,
    expiry,
    in_order,
)
from services.projector.projections.loyalty.tiers import standing

COLUMNS: Final = (
    "balance", "pending", "available", "debt", "tier", "tier_until_at", "expiring",
    "expiring_points", "earned", "redeemed", "expired", "reversed", "adjusted", "months",
)  # fmt: skip


class Shown(NamedTuple):
    """A lot as it is shown."""

    source: str
    id: str
    """Of the event behind it."""
    earned_at: datetime
    earned: int
    left: int
    available_at: datetime | None
    """None where its points may be spent."""
    expires_at: datetime | None
    """None for never; of lots that inactivity ends, if nothing happens."""


def settle(state: State, at: datetime, book: Book) -> dict[str, object]:
    """A member's columns at ``at``, not before the last entry; the state stays as it is.

    ``due_at`` is the first later instant at which any of it may change by time alone, or None.
    """
    now = micros(at)
    era = book.era(now)
    seen = _Seen(now, era.notice, era.end)
    if state.lots:
        _see_available(state, seen)
    if state.pending:
        _see_pending(state, seen)
    tier, until = standing(state, now, book)
    due = min(seen.due, until)
    left, months = state.left, dict(state.months)
    sums = state.sums
    for lot in seen.gone:
        left -= lot.left
        ended = expiry(state, lot)
        month = book.era(ended).wall.month(ended)
        sums = added(sums, EXPIRED, lot.left)
        months[month] = added(months.get(month, NO_SUMS), EXPIRED, lot.left)
    earned, redeemed, expired, reversed_, adjusted = sums
    soon = sorted(seen.soon.items()) if seen.soon else ()
    return {
        "balance": left - state.debt,
        "pending": seen.pending,
        "available": max(0, left - seen.pending - state.debt),
        "debt": state.debt,
        "tier": tier,
        "tier_until_at": None if until == NEVER else instant(until),
        "expiring": [{"expires_at": instant(ends), "points": points} for ends, points in soon],
        "expiring_points": sum([points for _, points in soon]),
        "earned": earned,
        "redeemed": redeemed,
        "expired": expired,
        "reversed": reversed_,
        "adjusted": adjusted,
        "months": months,
        "due_at": None if due == NEVER else instant(due),
    }


def lots(state: State, at: datetime) -> list[Shown]:
    """The lots that are open at ``at``, by when they expire."""
    now = micros(at)
    return [
        _shown(lot, expiry(state, lot), now)
        for lot in in_order(state, state.lots, state.pending)
        if expiry(state, lot) > now
    ]


def _shown(lot: Lot, ends: int, now: int) -> Shown:
    return Shown(
        lot.source,
        lot.id,
        instant(lot.at),
        lot.earned,
        lot.left,
        instant(lot.available_at) if lot.available_at > now else None,
        None if ends == NEVER else instant(ends),
    )


class _Seen:
    """What a look at the lots finds: what is over, pending, over soon, and when that changes."""

    __slots__ = ("due", "gone", "notice", "now", "pending", "soon")

    def __init__(self, now: int, notice: int, due: int) -> None:
        self.now, self.notice, self.due = now, notice, due
        self.gone: list[Lot] = []
        self.pending = 0
        self.soon: dict[int, int] = {}

    def end(self, ends: int, points: int) -> None:
        """``points`` that are not over yet will be then."""
        if ends > self.now + self.notice:
            if ends < NEVER:
                self.due = min(self.due, ends - self.notice)
        else:
            self.soon[ends] = self.soon.get(ends, 0) + points
            self.due = min(self.due, ends)


def _see_available(state: State, seen: _Seen) -> None:
    if state.lots[0].expires_at <= seen.now or state.idle_until <= seen.now:
        seen.gone = over(state, seen.now)
    near = seen.now + seen.notice
    for lot in state.lots:
        if lot.expires_at > seen.now:
            if lot.expires_at != IDLE:
                seen.end(lot.expires_at, lot.left)
            if lot.expires_at > near:
                break
    if state.lots[-1].expires_at == IDLE and state.idle_until > seen.now:
        first = bisect_left(state.lots, IDLE, key=attrgetter("expires_at"))
        seen.end(state.idle_until, sum([lot.left for lot in state.lots[first:]]))


def _see_pending(state: State, seen: _Seen) -> None:
    """A member who comes often has thousands: mostly none ends soon, and then none is looked at."""
    pending, near = state.pending, seen.now + seen.notice
    ends = [lot.expires_at for lot in pending]
    first, last = min(ends), max(ends)
    if first > near and (last < IDLE or state.idle_until > near):
        if first < NEVER:
            seen.due = min(seen.due, first - seen.notice)
        if last == IDLE and state.idle_until < NEVER:
            seen.due = min(seen.due, state.idle_until - seen.notice)
    else:
        seen.gone += [lot for lot in pending if expiry(state, lot) <= seen.now]
        for lot in pending:
            if expiry(state, lot) > seen.now:
                seen.end(expiry(state, lot), lot.left)
    waiting = pending[bisect_right(pending, seen.now, key=attrgetter("available_at")) :]
    left = [lot for lot in waiting if expiry(state, lot) > seen.now] if seen.gone else waiting
    if left:
        seen.pending = sum([lot.left for lot in left])
        seen.due = min(seen.due, left[0].available_at)
