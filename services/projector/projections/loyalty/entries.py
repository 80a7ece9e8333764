"""Entries: what moves points, of orders and of events, in a strict canonical order."""

from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from schemas import FeedbackGiven, PointsAdjusted, PointsRedeemed, RewardGranted
from services.fold.orders import Order, Report, owner_of, refunds_of
from services.fold.projection import Event

Key: TypeAlias = tuple[datetime, str, str, tuple[str, ...]]
"""When, by which event (source, id), and for what waited for that event, its own rank."""
EventRef: TypeAlias = tuple[str, str]
"""An event's source and id."""
Kind: TypeAlias = Literal["purchase", "refund", "redemption", "adjustment", "grant", "feedback"]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of a member's ledger; two with the same key are the same."""

    key: Key
    """Canonical: a refund or cancellation from before its purchase comes right after it."""
    kind: Kind
    points: int = 0
    """Redeemed, added, or signed if adjusted; those of a purchase follow the policy."""
    cost_points: int = 0
    """What a grant took from the balance."""
    amount_minor: int = 0
    """Of a purchase or refund."""
    is_whole: bool = False
    """Whether a refund gives back all that is left: a cancellation."""
    purchase: EventRef | None = None
    """The purchase that a refund is of."""
    currency: str = ""
    channel: str = ""
    categories: tuple[tuple[str, int], ...] = ()
    about: str = ""
    """Why, as far as the event says: a reason, a benefit, the kind of a survey."""

    @property
    def occurred_at(self) -> datetime:
        """When it takes effect."""
        return self.key[0]

    @property
    def event(self) -> EventRef:
        """The event behind it."""
        waited = self.key[3]
        return (waited[1], waited[2]) if waited else (self.key[1], self.key[2])


def entries_of(order: Order) -> tuple[Entry, ...]:
    """The entries of an order, in order, for the leaf that owns it; none while nobody does."""
    owner = owner_of(order)
    if owner is None:
        return ()
    bought = Entry(
        key=_key(owner),
        kind="purchase",
        amount_minor=owner.amount_minor,
        currency=owner.currency,
        channel=owner.channel,
        categories=owner.categories,
    )
    if not order.refunds and not order.cancellations:
        return (bought,)
    back = [_back(owner, one, is_whole=False) for one in refunds_of(order, owner)]
    back += [_back(owner, one, is_whole=True) for one in order.cancellations]
    return (bought, *sorted(back, key=_by_key))


def entry_of(event: Event) -> Entry | None:
    """The entry that an event is by itself; None for one that moves no points.

    What browser keys send is no entry: anybody can send it.
    """
    recorded, data = event.recorded, event.data
    key = (recorded.occurred_at, recorded.source, recorded.id, _NOTHING)
    match data:
        case PointsRedeemed():
            return Entry(key, "redemption", data.points, about=data.reason or "")
        case PointsAdjusted():
            return Entry(key, "adjustment", data.points, about=data.reason or "")
        case _ if recorded.key_kind == "browser":
            return None
        case RewardGranted():
            about = data.benefit or data.reason or ""
            return Entry(key, "grant", data.points, data.cost_points, about=about)
        case FeedbackGiven():
            return Entry(key, "feedback", about=data.survey)
        case _:
            return None


def _key(report: Report) -> Key:
    return report.occurred_at, report.source, report.id, _NOTHING


def _back(owner: Report, report: Report, *, is_whole: bool) -> Entry:
    key = _key(report)
    if key < _key(owner):
        own = (report.occurred_at.isoformat(), report.source, report.id)
        key = owner.occurred_at, owner.source, owner.id, own
    return Entry(
        key=key,
        kind="refund",
        amount_minor=report.amount_minor,
        is_whole=is_whole,
        purchase=(owner.source, owner.id),
    )


def _by_key(entry: Entry) -> Key:
    return entry.key


_NOTHING: Final[tuple[str, ...]] = ()
