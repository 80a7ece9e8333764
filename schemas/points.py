"""Loyalty points that are not earned by a purchase."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from schemas.fields import (
    MAX_POINTS,
    STRICT,
    Actor,
    At,
    IdentifierHash,
    Label,
    Meaning,
    Reference,
    Version,
)
from schemas.text import counted

Spent = Annotated[int, Field(ge=1, le=MAX_POINTS), Meaning("Whole loyalty points, at least one")]
Change = Annotated[
    int, Field(ge=-MAX_POINTS, le=MAX_POINTS), Meaning("Whole loyalty points, signed")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsRedeemed:
    """A customer spent points; the command checked that the balance covers them."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "points.redeemed"
    version: ClassVar[int] = 1

    redemption_id: Reference
    points: Spent
    reason: Label | None = None
    """Why, from a list."""
    by: Actor | None = None

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Redeemed {counted(self.points, 'point')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsAdjusted:
    """Somebody corrected the balance by hand; it may become a debt."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "points.adjusted"
    version: ClassVar[int] = 1

    adjustment_id: Reference
    points: Change
    """Added, or taken away if negative."""
    by: Actor
    reason: Label | None = None
    """Why, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        sign = "+" if self.points > 0 else ""
        return f"Points were adjusted by {sign}{self.points}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsExpiring:
    """Points of a customer will soon expire unused."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "points.expiring"
    version: ClassVar[int] = 1

    customer_id: IdentifierHash
    """The customer's id at that time."""
    points: Spent
    """All that expire within the policy's notice."""
    expires_at: At
    """When the first of them do."""
    policy_version: Version
    """The policy that decided."""
    is_restated: bool = False
    """Came out of an import or a new version of the rules: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"{counted(self.points, 'point')} will expire from {self.expires_at:%Y-%m-%d} on"
