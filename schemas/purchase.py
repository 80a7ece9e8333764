"""Purchases: an order counts once per workspace and ``order_id``, whoever reports it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from schemas.fields import STRICT, AmountMinor, Currency, Label, OrderId, Quantity, Reference
from schemas.text import counted, money


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One position of an order."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    sku: Reference
    quantity: Quantity = 1
    amount_minor: AmountMinor = 0
    """For the whole position, after discounts."""
    category: Label | None = None
    name: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCompleted:
    """An order was placed and paid, or invoiced."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "purchase.completed"
    version: ClassVar[int] = 1

    order_id: OrderId
    amount_minor: AmountMinor
    """What the customer paid in all, after discounts, with tax and shipping."""
    currency: Currency
    lines: Annotated[tuple[Line, ...], Field(max_length=2000)] = ()
    """What was bought; need not add up to the amount, since tax and shipping may be apart."""
    discount_minor: AmountMinor = 0
    """Already taken off ``amount_minor``."""
    coupons: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    """Codes that were redeemed."""
    channel: Label | None = None
    """Where it was bought, like store, web or phone."""
    store_id: Label | None = None

    def summary(self) -> str:
        """One line for the timeline."""
        items = sum(line.quantity for line in self.lines)
        what = counted(items, "item") if items else f"order {self.order_id}"
        return f"Bought {what} for {money(self.amount_minor, self.currency)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRefunded:
    """Money of an order was given back, in part or whole; may be told before its purchase."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "purchase.refunded"
    version: ClassVar[int] = 1

    order_id: OrderId
    amount_minor: AmountMinor
    """What this refund gave back, not the sum of all of the order's."""
    currency: Currency
    lines: Annotated[tuple[Line, ...], Field(max_length=2000)] = ()
    """What was given back."""
    reason: Label | None = None

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Was refunded {money(self.amount_minor, self.currency)} of order {self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCancelled:
    """An order was called off as a whole; it no longer counts as an order."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "purchase.cancelled"
    version: ClassVar[int] = 1

    order_id: OrderId
    reason: Label | None = None

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Cancelled order {self.order_id}"
