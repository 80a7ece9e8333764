"""Rewards: points and benefits given without a purchase."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Actor, AmountMinor, Currency, Label, Points, Reference, priced
from schemas.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardGranted:
    """A customer was given points, or a benefit such as a voucher."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "reward.granted"
    version: ClassVar[int] = 1

    reward_id: Reference
    """Granted once under this id."""
    points: Points = 0
    """Points that it adds to the balance; none for a mere benefit."""
    cost_points: Points = 0
    """Points that it took from the balance; none for a gift."""
    benefit: Label | None = None
    """What was given, like free_shipping or voucher_10."""
    amount_minor: AmountMinor = 0
    """What the benefit is worth."""
    currency: Currency | None = None
    reason: Label | None = None
    """What for, like birthday, referral or goodwill."""
    campaign_id: Label | None = None
    """The campaign that it belongs to."""
    by: Actor | None = None

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        what = counted(self.points, "point") if self.points else self.benefit or "a reward"
        price = f" for {counted(self.cost_points, 'point')}" if self.cost_points else ""
        return f"Was granted {what}{price}"
