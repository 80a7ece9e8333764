"""Loyalty points that are not earned by a purchase."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from schemas.fields import MAX_POINTS, STRICT, Actor, Label, Meaning, Reference
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
