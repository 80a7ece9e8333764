"""Loyalty programmes and ledgers drawn by hypothesis: all that policies know, in several zones."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from schemas.rules.loyalty import Loyalty
from services.projector.projections.loyalty import Book
from tests.ledgers import (
    Told,
    adjusted,
    answered,
    bought,
    cancelled,
    days,
    granted,
    redeemed,
    refunded,
    simple,
    voided,
)

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]
EXPIRIES: list[dict[str, object]] = [
    {"rule": "never"},
    {"rule": "rolling", "after": {"days": 20}},
    {"rule": "rolling", "after": {"months": 1}},
    {"rule": "end_of_year"},
    {"rule": "inactivity", "after": {"days": 15}},
]
LEVELS = [
    {"name": "bronze", "threshold": 0},
    {"name": "silver", "threshold": 40, "percent": 150},
    {"name": "gold", "threshold": 100, "percent": 200},
]
TIERS: list[dict[str, object] | None] = [
    None,
    {"window": {"days": 20}, "levels": LEVELS[1:]},
    {"window": {"days": 15}, "grace": {"days": 10}, "levels": LEVELS},
    {
        "window": {"months": 1},
        "grace": {"days": 3},
        "qualifying": ["purchase", "feedback", "grant"],
        "levels": LEVELS[:2],
    },
]
RULES: list[dict[str, object]] = [
    {"name": "euro", "currency": "EUR", "per_minor": 100},
    {"name": "half", "currency": "EUR", "per_minor": 150, "points": 2, "most_per_day": 30},
    {"name": "tea", "currency": "EUR", "per_minor": 70, "categories": ["tea"]},
    {"name": "store", "currency": "USD", "per_minor": 100, "channels": ["store"]},
]


def _programme(drawn: tuple[Any, ...]) -> Loyalty:
    earn, expiry, tiers, window, notice, first, feedback = drawn
    more = {"tiers": tiers} if tiers else {}
    if feedback:
        more["feedback"] = {"points": 7, "most_per_day": 10}
    return simple(
        earn=earn,
        expiry=expiry,
        return_window={"days": window},
        notice_days=notice,
        first_purchase_points=first,
        **more,
    )


PROGRAMMES = st.tuples(
    st.lists(st.sampled_from(RULES), min_size=1, unique_by=lambda rule: str(rule["name"])),
    st.sampled_from(EXPIRIES),
    st.sampled_from(TIERS),
    st.sampled_from([0, 0, 5, 12]),
    st.sampled_from([0, 7]),
    st.sampled_from([0, 13]),
    st.booleans(),
).map(_programme)
HOURS = st.integers(0, 24 * 60).map(lambda hours: days(hours / 24 - 22))
"""Around the end of a year, so that points may expire while they are pending."""
BOOKS = st.builds(
    lambda first, later, zone, zones: Book(
        [(None, 1, first), *((at, n, one) for n, (at, one) in enumerate(later, 2))],
        [(None, zone), *zones],
    ),
    PROGRAMMES,
    st.lists(st.tuples(HOURS, PROGRAMMES), max_size=2),
    st.sampled_from(ZONES),
    st.lists(st.tuples(HOURS, st.sampled_from(ZONES)), max_size=1),
)
ORDERS = st.sampled_from(["o1", "o2", "o3", "o4"])
MINOR = st.integers(0, 90).map(lambda tens: 97 * tens)
POINTS = st.integers(1, 60)


def _event(drawn: tuple[Any, ...]) -> Any:
    kind, order, minor, points, at = drawn
    match kind:
        case "bought":
            more = {"categories": {"tea": minor // 2}} if minor % 2 else {}
            return lambda id_: bought(order, minor, at, id_, channel="store", **more)
        case "in dollars":
            return lambda id_: bought(order, minor, at, id_, channel="store", currency="USD")
        case "refunded":
            return lambda id_: refunded(order, minor // 2, at, id_)
        case "cancelled":
            return lambda id_: cancelled(order, at, id_)
        case "redeemed":
            return lambda id_: redeemed(points, at, id_)
        case "adjusted":
            return lambda id_: adjusted(points - 30, at, id_)
        case "granted":
            return lambda id_: granted(points - 1, at, id_, cost=(points * 7) % 20)
        case _:
            return lambda id_: answered("csat", at, id_)


KINDS = [
    *["bought"] * 5, "in dollars", *["refunded"] * 3, "cancelled", *["redeemed"] * 3,
    "adjusted", "granted", "answered",
]  # fmt: skip


def _events(drawn: list[tuple[Any, ...]], taken_back: list[tuple[int, datetime]]) -> list[Told]:
    made = [_event(one)(f"e{number:02}") for number, one in enumerate(drawn)]
    for number, (which, at) in enumerate(taken_back):
        if made and (event := made[which % len(made)]).type in VOIDABLE:
            made.append(voided(event, at, f"v{number}"))
    return made


VOIDABLE = {
    "purchase.completed",
    "purchase.refunded",
    "points.redeemed",
    "points.adjusted",
    "reward.granted",
}
HAPPENED = st.tuples(st.sampled_from(KINDS), ORDERS, MINOR, POINTS, HOURS)
LEDGERS = st.builds(
    _events,
    st.lists(HAPPENED, max_size=6) | st.lists(HAPPENED, min_size=6, max_size=25),
    st.lists(st.tuples(st.integers(0, 30), HOURS), max_size=2),
)
"""What one member is told of, in no order."""
