"""Subscriptions: contracts that renew themselves."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, AmountMinor, At, Currency, Label, Quantity, Reference, priced
from schemas.text import money

Interval = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStarted:
    """A subscription or its trial began."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "subscription.started"
    version: ClassVar[int] = 1

    subscription_id: Reference
    plan: Label
    """The product or tariff."""
    amount_minor: AmountMinor = 0
    """The price of one interval."""
    currency: Currency | None = None
    interval: Interval = "month"
    """How often it renews."""
    quantity: Quantity = 1
    """Seats or units."""
    trial_ends_at: At | None = None
    """When a trial turns into a paid subscription."""
    channel: Label | None = None
    """Where it was taken out."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        kind = "a trial of" if self.trial_ends_at else "a subscription to"
        return f"Started {kind} {self.plan}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRenewed:
    """A further interval was paid for."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "subscription.renewed"
    version: ClassVar[int] = 1

    subscription_id: Reference
    plan: Label | None = None
    """The product or tariff, where it changed or is known."""
    amount_minor: AmountMinor = 0
    """The price of one interval."""
    currency: Currency | None = None
    period_ends_at: At | None = None
    """Until when it is paid."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        paid = f" for {money(self.amount_minor, self.currency)}" if self.currency else ""
        return f"Renewed subscription {self.subscription_id}{paid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPaymentFailed:
    """A payment that was due could not be taken."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "subscription.payment_failed"
    version: ClassVar[int] = 1

    subscription_id: Reference
    amount_minor: AmountMinor = 0
    """The price of one interval."""
    currency: Currency | None = None
    attempt: Quantity = 1
    """Which attempt this was."""
    next_attempt_at: At | None = None
    """When it will be tried again."""
    reason: Label | None = None
    """The bank's or provider's code, like card_expired."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Payment {self.attempt} for subscription {self.subscription_id} failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCancelled:
    """The subscription will not renew."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "subscription.cancelled"
    version: ClassVar[int] = 1

    subscription_id: Reference
    ends_at: At | None = None
    """When it ends; at once by default."""
    is_involuntary: bool = False
    """Ended by us, as after failed payments."""
    reason: Label | None = None
    """Why, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Cancelled subscription {self.subscription_id}"
