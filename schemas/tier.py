"""Tiers: the loyalty level that a customer has, as the platform decided."""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, At, IdentifierHash, Label, Points, Scalars, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChanged:
    """A customer went to another loyalty tier."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "tier.changed"
    version: ClassVar[int] = 1

    customer_id: IdentifierHash
    """The customer's id at that time."""
    tier: Label | None = None
    """The tier now; none below the lowest threshold."""
    previous_tier: Label | None = None
    """The tier last recorded."""
    points: Points | None = None
    """Points in the qualifying window."""
    tier_until_at: At | None = None
    """Until when it holds without further points."""
    policy_version: Version
    """The policy that decided."""
    evidence: Scalars = field(default_factory=dict)
    """The facts that led to it."""
    is_restated: bool = False
    """Came out of an import or a new version of the rules: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Reached tier {self.tier}" if self.tier else "Left all loyalty tiers"
