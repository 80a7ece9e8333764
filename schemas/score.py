"""Scores: what a model makes of a customer."""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Currency, IdentifierHash, Label, Scalars, Score
from schemas.text import money


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreComputed:
    """A score changed enough to be recorded."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "score.computed"
    version: ClassVar[int] = 1

    customer_id: IdentifierHash
    """The customer's id at that time."""
    score: Label
    """Which score, like churn_risk, lifetime_value or health."""
    value: Score
    """On the score's own scale: a probability, or money in minor units."""
    previous_value: Score | None = None
    """The value last recorded."""
    band: Label | None = None
    """The range that it falls in, like high."""
    currency: Currency | None = None
    """Of a score that is money."""
    model: Label
    """What computed it."""
    model_version: Label
    """The version of that model."""
    evidence: Scalars = field(default_factory=dict)
    """The facts that led to it."""
    is_restated: bool = False
    """Came out of an import or a new version of the rules: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        value = money(round(self.value), self.currency) if self.currency else f"{self.value:.4g}"
        band = f" ({self.band})" if self.band else ""
        return f"Scored {value} in {self.score.replace('_', ' ')}{band}"
