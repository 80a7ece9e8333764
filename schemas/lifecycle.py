"""Lifecycle: the stage that a customer is in, as the platform decided."""

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Day, IdentifierHash, Label, Scalars, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleChanged:
    """A customer went to another stage of a lifecycle machine."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "lifecycle.changed"
    version: ClassVar[int] = 1

    customer_id: IdentifierHash
    """The customer's id at that time."""
    machine: Label = "default"
    """Which lifecycle, since policies may hold several."""
    stage: Label
    """Where the customer is now."""
    previous_stage: Label | None = None
    """The stage last recorded."""
    since: Day | None = None
    """The first day in it, which may be long before: what led to it may be told late."""
    policy_version: Version
    """The policy that decided."""
    evidence: Scalars = field(default_factory=dict)
    """The facts that led to it."""
    is_restated: bool = False
    """Came out of an import or a new version of the rules: recorded, never delivered."""

    def summary(self) -> str:
        """One line for the timeline."""
        before = f" from {self.previous_stage}" if self.previous_stage else ""
        return f"Became {self.stage.replace('_', ' ')}{before}"
