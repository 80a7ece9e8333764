"""Orders: all that was told of one order, and which report of it counts.

An order counts once, whoever reports it: the lowest-ranked report that is not from a browser owns the order and every
refund of it, whichever leaf they came under. The others are kept as corroboration.
"""

import hashlib
from datetime import datetime
from typing import TypeAlias

import msgspec

from schemas import PurchaseCancelled, PurchaseCompleted, PurchaseRefunded
from schemas.envelope import Recorded

Told: TypeAlias = PurchaseCompleted | PurchaseRefunded | PurchaseCancelled


class Report(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One telling of a purchase, refund or cancellation; sorts by the canonical order."""

    occurred_at: datetime
    source: str
    id: str
    leaf: str
    amount_minor: int = 0
    currency: str = ""


class Order(msgspec.Struct, frozen=True, array_like=True):
    """Facts of one order: sets, kept sorted so that equal facts are equal bytes."""

    purchases: tuple[Report, ...] = ()
    refunds: tuple[Report, ...] = ()
    cancellations: tuple[Report, ...] = ()
    heard: tuple[Report, ...] = ()
    """Told by a browser key, which anyone can read: kept, never counted."""


class Settled(msgspec.Struct, frozen=True):
    """What an order counts as, for the leaf that owns it."""

    leaf: str
    occurred_at: datetime
    amount_minor: int
    refunded_minor: int
    """All refunds in the order's currency, never more than its amount."""
    currency: str
    refunds: int
    is_cancelled: bool

    @property
    def net_minor(self) -> int:
        """What the order brought in the end."""
        return 0 if self.is_cancelled else self.amount_minor - self.refunded_minor


def order_key(workspace: str, order_id: str) -> str:
    """The key of an order's row."""
    return hashlib.blake2b(f"{workspace}\0{order_id}".encode(), digest_size=16).hexdigest()


def tell(order: Order, event: Recorded[Told]) -> Order:
    """``order`` with one more telling of it, in any order."""
    report = _report(event)
    if event.key_kind == "browser":
        return msgspec.structs.replace(order, heard=_with(order.heard, report))
    match event.data:
        case PurchaseCompleted():
            return msgspec.structs.replace(order, purchases=_with(order.purchases, report))
        case PurchaseRefunded():
            return msgspec.structs.replace(order, refunds=_with(order.refunds, report))
        case PurchaseCancelled():
            return msgspec.structs.replace(order, cancellations=_with(order.cancellations, report))


def settle(order: Order) -> Settled | None:
    """What the order counts as; None until a purchase is told."""
    if not order.purchases:
        return None
    owner = order.purchases[0]
    refunds = [refund for refund in order.refunds if refund.currency == owner.currency]
    return Settled(
        owner.leaf,
        owner.occurred_at,
        owner.amount_minor,
        min(owner.amount_minor, sum(refund.amount_minor for refund in refunds)),
        owner.currency,
        len(refunds),
        bool(order.cancellations),
    )


def _report(event: Recorded[Told]) -> Report:
    match event.data:
        case PurchaseCompleted() | PurchaseRefunded() as told:
            return Report(*event.rank, event.leaf, told.amount_minor, told.currency)
        case PurchaseCancelled():
            return Report(*event.rank, event.leaf)


def _with(reports: tuple[Report, ...], report: Report) -> tuple[Report, ...]:
    return (report,) if not reports else tuple(sorted({*reports, report}))
