"""A customer's points: the balance as of now, what of it may be spent, and the tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from services.query.courses import Courses
from services.query.customer import CustomerId, group_of
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.store.reader import Reading

SPOKEN_FOR: Final = """
SELECT coalesce(sum(points), 0)::bigint FROM touchline.pending_redemption
WHERE workspace = %(workspace)s AND leaf = ANY(%(leaves)s::uuid[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """Points that are lost unless they are spent before."""

    __pydantic_config__ = DOCUMENTED

    expires_at: datetime
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points that came in together and of which some are left."""

    __pydantic_config__ = DOCUMENTED

    source: str
    """With ``id`` the event behind it."""
    id: str
    earned_at: datetime
    earned: int
    left: int
    available_at: datetime | None
    """From when on they may be spent; null where they may be."""
    expires_at: datetime | None
    """When they are lost; null for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLoyalty:
    """A customer's points at one instant."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    at: datetime
    """The instant that all this holds for."""
    balance: int
    """All points less the debt; below zero for whom more was taken back than was left."""
    pending: int
    """Points of the balance that can't be spent: ``returnable`` and ``spoken_for``."""
    returnable: int
    """Of purchases that may still be given back."""
    spoken_for: int
    """By redemptions on their way into the books."""
    available: int
    """What can be redeemed: balance less pending, and never below zero."""
    debt: int
    """Points owed, which the next ones pay."""
    tier: str | None
    tier_until: datetime | None
    """Until when the tier is kept without further points; null if for ever, or without a tier."""
    earned: int
    """In all. Balance is earned less redeemed, expired and reversed, plus adjusted."""
    redeemed: int
    expired: int
    reversed: int
    """Taken back for what was given back."""
    adjusted: int
    """By hand, signed."""
    expiring: Sequence[Expiring]
    """What is lost within the programme's notice, soonest first."""
    lots: Sequence[Lot]
    """All that is left, in the order in which it expires and is spent."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/loyalty``."""
    routes = APIRouter(tags=["loyalty"])

    @routes.get(
        "/v1/customers/{customer_id}/loyalty",
        summary="Show a customer's points",
        responses=responses(CustomerLoyalty, "Balance, lots and tier, as of now.", 404),
    )
    async def show_loyalty(
        caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """To the microsecond: points that expire at an instant are gone at it."""
        now = desk.clock.now()
        return await desk.read(
            caller, lambda reading: shown(reading, customer_id, desk.courses, now)
        )

    return routes


def shown(reading: Reading, identifier: str, courses: Courses, now: datetime) -> CustomerLoyalty:
    """The points of whom ``identifier`` is part of, at ``now``; raises ``NotFound``.

    Never before what is folded, though our clock was set back or a producer's is ahead.
    """
    customer_id = group_of(reading, identifier)
    leaves = courses.leaves(reading, customer_id)
    course, ruled = courses.loyalty.course, courses.ruled(reading)
    book = ruled.book(course)
    state = courses.state(
        reading, customer_id, (course, book), lambda: courses.ledger(reading, leaves)
    )
    as_of = course.as_of(state)
    at = max(now, ruled.time.at(as_of))
    found: Mapping[str, Any] = course.settle(state, at, book)
    is_member = as_of is not None
    (spoken_for,) = reading.rows(SPOKEN_FOR, leaves=leaves)[0]
    return CustomerLoyalty(
        customer_id=customer_id,
        at=at,
        balance=found["balance"],
        pending=found["pending"] + spoken_for,
        returnable=found["pending"],
        spoken_for=spoken_for,
        available=max(0, found["available"] - spoken_for),
        debt=found["debt"],
        tier=found["tier"] if is_member else None,
        tier_until=found["tier_until_at"] if is_member else None,
        earned=found["earned"],
        redeemed=found["redeemed"],
        expired=found["expired"],
        reversed=found["reversed"],
        adjusted=found["adjusted"],
        expiring=[Expiring(**one) for one in found["expiring"]],
        lots=[_lot(one) for one in courses.loyalty.lots(state, at)],
    )


def _lot(told: Any) -> Lot:
    return Lot(
        source=told.source,
        id=told.id,
        earned_at=told.earned_at,
        earned=told.earned,
        left=told.left,
        available_at=told.available_at,
        expires_at=told.expires_at,
    )
