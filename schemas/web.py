"""Visits to web pages and apps, and what was done there."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import (
    STRICT,
    AmountMinor,
    Country,
    Currency,
    DurationS,
    Label,
    Quantity,
    Reference,
    Url,
    priced,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebVisited:
    """A page or a screen was seen."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "web.visited"
    version: ClassVar[int] = 1

    url: Url | None = None
    """The page's address, without personal parameters."""
    page: Label | None = None
    """The page's name, like home or pricing."""
    session_id: Reference | None = None
    """The visit that it belongs to."""
    referrer: Url | None = None
    """The page that led here."""
    duration_s: DurationS | None = None
    """How long it was looked at."""
    channel: Label | None = None
    """What brought the visit, like organic, email or paid."""
    campaign_id: Label | None = None
    """The campaign that brought the visit."""
    device: Literal["desktop", "mobile", "tablet", "other"] | None = None
    """What it was seen on."""
    country: Country | None = None
    """Where the visit came from."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Visited {self.page}" if self.page else "Visited a page"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebActed:
    """Something was done on a page or in an app, like a download or a search."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "web.acted"
    version: ClassVar[int] = 1

    action: Label
    """What was done, like add_to_cart or search."""
    url: Url | None = None
    """The page's address, without personal parameters."""
    page: Label | None = None
    """The page's name, like home or pricing."""
    session_id: Reference | None = None
    """The visit that it belongs to."""
    target: Label | None = None
    """What it was done to, like a button or a file."""
    sku: Reference | None = None
    """The product that it was about."""
    quantity: Quantity | None = None
    """How many of it."""
    amount_minor: AmountMinor = 0
    """What it would be worth; nothing was bought yet."""
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """An amount needs its currency."""
        priced(self.amount_minor, self.currency)

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Did {self.action.replace('_', ' ')}" + (f" on {self.page}" if self.page else "")
