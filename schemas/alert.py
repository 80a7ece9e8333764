"""Alerts: what somebody should look at while there is still time."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import (
    STRICT,
    Actor,
    At,
    IdentifierHash,
    Label,
    Reference,
    Scalars,
    Score,
    Version,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """A rule found a customer in need of attention."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "alert.raised"
    version: ClassVar[int] = 1

    alert_id: Reference
    customer_id: IdentifierHash
    """The customer's id at that time."""
    rule: Label
    """Which rule, like churn_risk or complaint."""
    policy_version: Version
    """The policy that decided."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """How soon somebody should look."""
    score: Score | None = None
    """The score that crossed a threshold."""
    threshold: Score | None = None
    """The threshold that it crossed."""
    evidence: Scalars = field(default_factory=dict)
    """The facts that led to it."""
    is_restated: bool = False
    """Came out of an import or a new version of the rules: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Raised a {self.severity} alert: {self.rule.replace('_', ' ')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged:
    """Somebody takes care of it; a comment is personal text."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "alert.acknowledged"
    version: ClassVar[int] = 1

    alert_id: Reference
    by: Actor
    action: Label | None = None
    """What was done about it, like called or refunded; by default nothing yet."""
    snoozed_until_at: At | None = None
    """Until when nothing more of its rule is wanted; by default as long as the rule says."""

    def summary(self) -> str:
        """One line for the timeline."""
        if self.action:
            return f"Acted upon an alert: {self.action.replace('_', ' ')}"
        return "Acknowledged an alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertClosed:
    """The alert's reason is gone, or somebody settled it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "alert.closed"
    version: ClassVar[int] = 1

    alert_id: Reference
    by: Actor
    reason: Label | None = None
    """Why, like recovered, contacted or lapsed."""
    is_restated: bool = False
    """Of an alert that was restated itself: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        return "Closed an alert"
