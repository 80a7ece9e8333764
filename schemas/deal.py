"""Deals (sales opportunities), from opening to won or lost."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, AmountMinor, At, Currency, Label, Percent, Reference, priced
from schemas.text import money


@dataclass(frozen=True, slots=True, kw_only=True)
class DealOpened:
    """An opportunity to sell was found."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "deal.opened"
    version: ClassVar[int] = 1

    deal_id: Reference
    pipeline: Label = "default"
    """The sales process that it follows."""
    stage: Label | None = None
    """Where in the process it begins."""
    amount_minor: AmountMinor = 0
    """What the deal is worth in all."""
    currency: Currency | None = None
    owner_id: Reference | None = None
    """Who works on it."""
    expected_close_at: At | None = None
    """When it should be decided."""
    origin: Label | None = None
    """Where it came from, like referral or web."""
    campaign_id: Label | None = None
    """The campaign that led to it."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        worth = f" worth {money(self.amount_minor, self.currency)}" if self.currency else ""
        return f"Opened deal {self.deal_id}{worth}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealMoved:
    """The deal went to another stage."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "deal.moved"
    version: ClassVar[int] = 1

    deal_id: Reference
    stage: Label
    """Where it is now."""
    previous_stage: Label | None = None
    """Where it was."""
    probability_percent: Percent | None = None
    """How likely it is to be won."""
    amount_minor: AmountMinor = 0
    """What the deal is worth in all."""
    currency: Currency | None = None
    expected_close_at: At | None = None
    """When it should be decided."""
    owner_id: Reference | None = None
    """Who works on it."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Deal {self.deal_id} moved to {self.stage}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealWon:
    """The customer agreed; what is paid is told by purchases."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "deal.won"
    version: ClassVar[int] = 1

    deal_id: Reference
    amount_minor: AmountMinor = 0
    """What the deal is worth in all."""
    currency: Currency | None = None
    owner_id: Reference | None = None
    """Who won it."""

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        worth = f" worth {money(self.amount_minor, self.currency)}" if self.currency else ""
        return f"Deal {self.deal_id}{worth} was won"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealLost:
    """The customer declined, or nobody followed it up."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "deal.lost"
    version: ClassVar[int] = 1

    deal_id: Reference
    reason: Label | None = None
    """Why, from a list."""
    competitor: Label | None = None
    """Who won it instead."""
    stage: Label | None = None
    """Where in the process it was lost."""
    owner_id: Reference | None = None
    """Who worked on it."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Deal {self.deal_id} was lost"
