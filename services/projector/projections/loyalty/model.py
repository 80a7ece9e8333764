"""Loyalty as it is folded: its course, where its entries come from, and what it tells."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from schemas import PointsExpiring, TierChanged
from schemas.rules.loyalty import Loyalty, parse
from services.fold.course import Course, Shown, Telling
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


def tellings(shown: Shown) -> Mapping[str, Telling]:
    """A tier, and points that will soon expire."""
    customer, row, _, at, book = shown

    def tier(previous: str | None, is_restated: bool) -> TierChanged:  # noqa: FBT001 - as called
        return TierChanged(
            customer_id=customer,
            tier=row["tier"],
            previous_tier=previous,
            tier_until_at=row["tier_until_at"],
            policy_version=max(1, book.version_at(at)),
            evidence={"balance": row["balance"]},
            is_restated=is_restated,
        )

    def expiring(_previous: str | None, is_restated: bool) -> PointsExpiring | None:  # noqa: FBT001
        if not row["expiring"]:
            return None
        return PointsExpiring(
            customer_id=customer,
            points=row["expiring_points"],
            expires_at=row["expiring"][0]["expires_at"],
            policy_version=max(1, book.version_at(at)),
            is_restated=is_restated,
        )

    first = row["expiring"][0]["expires_at"].isoformat() if row["expiring"] else None
    # Who just joins a programme is in the tier that asks for nothing: no news.
    lowest = book.era(micros(at)).levels[-1:]
    initial = lowest[0].name if lowest and lowest[0].threshold <= 0 else None
    return {"tier": Telling(row["tier"], tier, initial), "expiring": Telling(first, expiring)}


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
    tellings=tellings,
)  # fmt: skip
LEDGER: Final = LedgerSource(
    entry=Entry, key=attrgetter("key"), entries_of=entries_of, entry_of=entry_of
)
