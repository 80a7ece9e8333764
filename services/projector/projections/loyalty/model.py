"""Loyalty as it is folded: its course, where its entries come from, and what it tells."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from schemas import PointsExpiring, TierChanged
from schemas.rules.loyalty import Loyalty, parse
from services.fold.course import Course, News, Said, Says, Shown
from services.fold.rules import ZONE
from services.fold.source import LedgerSource
from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.entries import Entry, entries_of, entry_of
from services.projector.projections.loyalty.instants import micros
from services.projector.projections.loyalty.post import post
from services.projector.projections.loyalty.settle import settle
from services.projector.projections.loyalty.state import State, as_of, begin, follows
from services.store.course import RuleRow

NAME: Final = "loyalty"


def book_of(rules: Sequence[RuleRow]) -> Book:
    """The book of a workspace's rules; a policy that can't be read any more rules nothing."""
    policies = []
    for rule in rules:
        if rule.kind == NAME:
            programme = parse(msgspec.json.decode(rule.body))
            if isinstance(programme, Loyalty):
                policies.append((rule.effective_at, rule.version, programme))
    zones = [(rule.effective_at, rule.body.decode()) for rule in rules if rule.kind == ZONE]
    return Book(policies, zones)


def said(row: Mapping[str, Any]) -> Said:
    """A tier, and when points will soon expire."""
    soon = row["expiring"]
    return {"tier": row["tier"], "expiring": soon[0]["expires_at"].isoformat() if soon else None}


def expected(shown: Shown) -> Said:
    """Who just joins a programme is in the tier that asks for nothing."""
    lowest = shown.book.era(micros(shown.at)).levels[-1:]
    initial = lowest[0].name if lowest and lowest[0].threshold <= 0 else None
    return {"tier": initial, "expiring": None}


def tell(shown: Shown, news: News) -> TierChanged | PointsExpiring | None:
    """Another tier, or points that will soon expire; that none do any more is not told."""
    customer, row, _, at, book = shown
    version = max(1, book.version_at(at))
    if news.kind == "tier":
        return TierChanged(
            customer_id=customer,
            tier=row["tier"],
            previous_tier=news.previous,
            tier_until_at=row["tier_until_at"],
            policy_version=version,
            evidence={"balance": row["balance"]},
            is_restated=news.is_restated,
        )
    if not row["expiring"]:
        return None
    return PointsExpiring(
        customer_id=customer,
        points=row["expiring_points"],
        expires_at=row["expiring"][0]["expires_at"],
        policy_version=version,
        is_restated=news.is_restated,
    )


LOYALTY: Final[Course[State]] = Course(
    name=NAME,
    columns=(
        "balance", "pending", "available", "debt", "tier", "tier_until_at", "expiring", "months",
    ),
    book=book_of,
    begin=begin,
    post=post,
    follows=follows,
    as_of=as_of,
    settle=settle,
    row=settle,
    says=Says(said, expected, tell),
)  # fmt: skip
LEDGER: Final = LedgerSource(
    entry=Entry, key=attrgetter("key"), entries_of=entries_of, entry_of=entry_of
)
