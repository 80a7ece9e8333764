"""Orders: all that was told of one order, and which report of it counts.

An order counts once, whoever reports it: the lowest-ranked report that is not from a browser owns
the order and every refund of it, whichever leaf they came under. The others are kept as
corroboration.
"""

import hashlib
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from schemas import PurchaseCancelled, PurchaseCompleted, PurchaseRefunded
from schemas.envelope import Recorded

OrderEvent: TypeAlias = PurchaseCompleted | PurchaseRefunded | PurchaseCancelled


class Report(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """One telling of a purchase, refund or cancellation; sorts by the canonical order."""

    occurred_at: datetime
    source: str
    id: str
    leaf: str
    amount_minor: int = 0
    currency: str = ""


Reports: TypeAlias = tuple[Report, ...]


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Facts of one order: sets, kept sorted so that equal facts are equal bytes."""

    purchases: Reports = ()
    refunds: Reports = ()
    cancellations: Reports = ()
    heard: Reports = ()
    """Told by a browser key, which anyone can read: kept, never counted."""


class Settled(msgspec.Struct, frozen=True, gc=False):
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


def tell(order: Order, event: Recorded[OrderEvent]) -> Order:
    """``order`` with one more report of it, in any order."""
    report = _report(event)
    if event.key_kind == "browser":
        return replace(order, heard=_with(order.heard, report))
    match event.data:
        case PurchaseCompleted():
            return replace(order, purchases=_with(order.purchases, report))
        case PurchaseRefunded():
            return replace(order, refunds=_with(order.refunds, report))
        case PurchaseCancelled():
            return replace(order, cancellations=_with(order.cancellations, report))


def settle(order: Order) -> Settled | None:
    """What the order counts as; None until a purchase is told."""
    if not order.purchases:
        return None
    owner = order.purchases[0]
    refunded = [one.amount_minor for one in order.refunds if one.currency == owner.currency]
    return Settled(
        owner.leaf,
        owner.occurred_at,
        owner.amount_minor,
        min(owner.amount_minor, sum(refunded)),
        owner.currency,
        len(refunded),
        bool(order.cancellations),
    )


def _report(event: Recorded[OrderEvent]) -> Report:
    told, place = event.data, (event.occurred_at, event.source, event.id, event.leaf)
    if isinstance(told, PurchaseCancelled):
        return Report(*place)
    return Report(*place, told.amount_minor, told.currency)


def _with(reports: Reports, report: Report) -> Reports:
    return (report,) if not reports else tuple(sorted({*reports, report}))
