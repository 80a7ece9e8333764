"""The loyalty programme in figures: what is owed to members, what moved by month, who is where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from schemas.rules.loyalty import Loyalty as Programme
from schemas.rules.loyalty import parse
from services.query.courses import Courses, Ruled
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.figures import COUNTING_S
from services.store.reader import Reading

MEMBERS: Final = """
SELECT tier, count(*), sum(balance)::bigint, sum(pending)::bigint, sum(available)::bigint,
       sum(debt)::bigint
FROM loyalty WHERE workspace = %(workspace)s GROUP BY tier
"""
MONTHS: Final = """
SELECT month, sum((sums ->> 0)::bigint)::bigint, sum((sums ->> 1)::bigint)::bigint,
       sum((sums ->> 2)::bigint)::bigint, sum((sums ->> 3)::bigint)::bigint,
       sum((sums ->> 4)::bigint)::bigint
FROM loyalty, jsonb_each(months) AS of_month (month, sums)
WHERE workspace = %(workspace)s GROUP BY month ORDER BY month
"""
EXPIRING: Final = """
SELECT (expires_at AT TIME ZONE %(zone)s)::date AS day, sum(points)::bigint,
       count(DISTINCT customer_id)
FROM loyalty, jsonb_to_recordset(expiring) AS lot (expires_at timestamptz, points bigint)
WHERE workspace = %(workspace)s AND expires_at > %(at)s GROUP BY day ORDER BY day
"""
SPOKEN_FOR: Final = """
SELECT coalesce(sum(points), 0)::bigint FROM touchline.pending_redemption
WHERE workspace = %(workspace)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFigures:
    """A tier and who is in it."""

    __pydantic_config__ = DOCUMENTED

    tier: str | None
    """Null for members below the lowest."""
    threshold: int | None
    """Qualifying points that it takes; null for a tier that the rules have no more."""
    benefits: Sequence[str]
    members: int
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """What moved points in a month of the workspace's calendar."""

    __pydantic_config__ = DOCUMENTED

    month: str
    """Like 2026-11."""
    earned: int
    redeemed: int
    expired: int
    reversed: int
    """Taken back for what was given back."""
    adjusted: int
    """By hand, signed."""
    breakage_percent: float | None
    """Of the points that were used or lost in the month, the share that was lost; null for none."""
    outstanding: int
    """The balance of all members when the month ended, or now: all months up to it, added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringFigures:
    """Points that a day will take."""

    __pydantic_config__ = DOCUMENTED

    on: date
    """By the workspace's clock."""
    points: int
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyFigures:
    """The programme as of the last minute told."""

    __pydantic_config__ = DOCUMENTED

    at: datetime | None
    """That minute; null before the first."""
    members: int
    """Customers who ever had points move."""
    liability: int
    """Points that members can still spend, now or once they are available: balances, and what is
    owed added back."""
    debt: int
    """Points owed by members. Liability less debt is the balance of all."""
    returnable: int
    """Of the liability, points of purchases that may still be given back."""
    spoken_for: int
    """By redemptions on their way into the books."""
    breakage_percent: float | None
    """As of a month, of all time."""
    tiers: Sequence[TierFigures]
    """From the highest to the lowest."""
    months: Sequence[MonthFigures]
    """Oldest first; those in which points moved."""
    expiring: Sequence[ExpiringFigures]
    """What will be lost within the programme's notice unless it is spent, soonest first."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/loyalty``."""
    routes = APIRouter(tags=["loyalty"])

    @routes.get(
        "/v1/loyalty",
        summary="Show the loyalty programme in figures",
        responses=responses(LoyaltyFigures, "Liability, tiers and months."),
    )
    async def show_programme(caller: Annotated[Caller, Depends(desk.caller)]) -> Response:
        """What took long to count is told again for a while; its position says what it includes."""

        def count() -> Answered:
            with desk.reader.reading(caller.workspace) as reading:
                reading.may_take(COUNTING_S)
                return Answered(counted(reading, desk.courses), reading.position)

        return await desk.answer(
            caller,
            lambda: desk.figures.answered(
                ("loyalty", caller.workspace), count, is_fresh=caller.awaited is not None
            ),
            desk.folded,
            is_slow=True,
        )

    return routes


def counted(reading: Reading, courses: Courses) -> LoyaltyFigures:
    """All figures of one snapshot."""
    ruled = courses.ruled(reading)
    rows = reading.rows(MEMBERS)
    balance = sum(row[2] for row in rows)
    debt = sum(row[5] for row in rows)
    months = list(_months(reading))
    zone = ruled.zone_at(ruled.time.tick)
    expiring = reading.rows(EXPIRING, zone=zone, at=ruled.time.tick)
    return LoyaltyFigures(
        at=ruled.tick,
        members=sum(row[1] for row in rows),
        liability=balance + debt,
        debt=debt,
        returnable=sum(row[3] for row in rows),
        spoken_for=reading.rows(SPOKEN_FOR)[0][0],
        breakage_percent=breakage(
            sum(month.expired for month in months), sum(month.redeemed for month in months)
        ),
        tiers=tiers(ruled, {row[0]: (row[1], row[2]) for row in rows}),
        months=months,
        expiring=[
            ExpiringFigures(on=day, points=points, members=members)
            for day, points, members in expiring
        ],
    )


def tiers(ruled: Ruled, members: Mapping[str | None, tuple[int, int]]) -> Sequence[TierFigures]:
    """Every tier of the rules in force, also without members, and whatever else members are in."""
    programmes = [
        parse(msgspec.json.decode(rule.body))
        for rule in ruled.in_force("loyalty", ruled.time.tick).values()
    ]
    levels = [
        level
        for programme in programmes
        if isinstance(programme, Programme) and programme.tiers
        for level in reversed(programme.tiers.levels)
    ]
    known = {level.name: level for level in levels}
    others = sorted(name for name in members if name is not None and name not in known)
    names: list[str | None] = [*known, *others, *([None] if None in members else [])]
    return [
        TierFigures(
            tier=name,
            threshold=level.threshold if level else None,
            benefits=level.benefits if level else (),
            members=members.get(name, (0, 0))[0],
            balance=members.get(name, (0, 0))[1],
        )
        for name in names
        for level in (known.get(name or ""),)
    ]


def breakage(expired: int, redeemed: int) -> float | None:
    """The share of expired points among those that were used or lost, in per cent."""
    gone = expired + redeemed
    return round(100 * expired / gone, 1) if gone else None


def _months(reading: Reading) -> Iterator[MonthFigures]:
    outstanding = 0
    for month, earned, redeemed, expired, reversed_, adjusted in reading.rows(MONTHS):
        outstanding += earned - redeemed - expired - reversed_ + adjusted
        yield MonthFigures(
            month=month,
            earned=earned,
            redeemed=redeemed,
            expired=expired,
            reversed=reversed_,
            adjusted=adjusted,
            breakage_percent=breakage(expired, redeemed),
            outstanding=outstanding,
        )
