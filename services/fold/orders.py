"""Orders: all that was told of one order, and which report of it counts.

An order counts once, whoever reports it: the lowest-ranked report that is neither voided nor from a
browser owns the order and every refund of it, whichever leaf they came under. The others are kept
as corroboration.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from schemas import EventVoided, PurchaseCancelled, PurchaseCompleted, PurchaseRefunded
from schemas.envelope import Recorded
from schemas.purchase import Line

OrderEvent: TypeAlias = PurchaseCompleted | PurchaseRefunded | PurchaseCancelled | EventVoided


class Report(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """One telling of a purchase, refund or cancellation; sorts by the canonical order."""

    occurred_at: datetime
    source: str
    id: str
    leaf: str
    amount_minor: int = 0
    currency: str = ""
    channel: str = ""
    """Where it was bought."""
    categories: tuple[tuple[str, int], ...] = ()
    """Minor units by category of what was bought, where lines tell their category."""


Reports: TypeAlias = tuple[Report, ...]
Void: TypeAlias = tuple[str, str, str]
"""Type, source and id of a report that was taken back."""


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Facts of one order: sets, kept sorted so that equal facts are equal bytes."""

    purchases: Reports = ()
    refunds: Reports = ()
    cancellations: Reports = ()
    heard: Reports = ()
    """Told by a browser key, which anyone can read: kept, never counted."""
    voided: tuple[Void, ...] = ()
    """Reports taken back, told of or not yet: kept, never counted."""

    @property
    def owner(self) -> str | None:
        """The leaf that owns it; None until a purchase counts."""
        report = owner_of(self)
        return report.leaf if report else None


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
    """``order`` with one more report of it, or one taken back, in any order."""
    if isinstance(event.data, EventVoided):
        return _voided(order, event.data)
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


def owner_of(order: Order) -> Report | None:
    """The report that owns the order; None until a purchase is told that nobody took back."""
    told = _standing(order, order.purchases, PurchaseCompleted.type)
    return told[0] if told else None


def refunds_of(order: Order, owner: Report) -> Reports:
    """The refunds that count: those in the currency that ``owner`` was paid in."""
    if not order.refunds:
        return ()
    told = _standing(order, order.refunds, PurchaseRefunded.type)
    return tuple(one for one in told if one.currency == owner.currency)


def settle(order: Order) -> Settled | None:
    """What the order counts as; None until a purchase is told."""
    owner = owner_of(order)
    if owner is None:
        return None
    refunds = refunds_of(order, owner)
    return Settled(
        owner.leaf,
        owner.occurred_at,
        owner.amount_minor,
        min(owner.amount_minor, sum(one.amount_minor for one in refunds)),
        owner.currency,
        len(refunds),
        bool(order.cancellations),
    )


def _standing(order: Order, reports: Reports, type_: str) -> Reports:
    if not order.voided:
        return reports
    return tuple(one for one in reports if (type_, one.source, one.id) not in order.voided)


def _voided(order: Order, void: EventVoided) -> Order:
    taken_back = void.event_type, void.event_source, void.event_id
    return replace(order, voided=tuple(sorted({*order.voided, taken_back})))


def _report(event: Recorded[OrderEvent]) -> Report:
    told, place = event.data, (event.occurred_at, event.source, event.id, event.leaf)
    match told:
        case PurchaseCompleted():
            bought = _by_category(told.lines) if told.lines else _NONE
            return Report(*place, told.amount_minor, told.currency, told.channel or "", bought)
        case PurchaseRefunded():
            return Report(*place, told.amount_minor, told.currency)
        case _:
            return Report(*place)


def _by_category(lines: Sequence[Line]) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for line in lines:
        if line.category is not None:
            sums[line.category] = sums.get(line.category, 0) + line.amount_minor
    return tuple(sorted(sums.items()))


def _with(reports: Reports, report: Report) -> Reports:
    return (report,) if not reports else tuple(sorted({*reports, report}))


_NONE: Final[tuple[tuple[str, int], ...]] = ()
