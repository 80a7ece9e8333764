"""Policies: the rules that stages, points, tiers, alerts and segments follow."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Actor, At, Free, Label, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPublished:
    """A version of a policy was published; events before ``effective_at`` keep the older one."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "policy.published"
    version: ClassVar[int] = 1

    kind: Literal["lifecycle", "loyalty", "alert", "segment", "scoring"]
    """What it rules."""
    name: Label = "default"
    """Which of its kind, like one of several lifecycle machines."""
    policy_version: Version
    """Counts up with each publication of this kind and name."""
    effective_at: At | None = None
    """From when on it applies, by ``occurred_at``; from the beginning by default."""
    rules: Free
    """The typed tree of rules; its shape follows the kind."""
    by: Actor

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Version {self.policy_version} of the {self.kind} policy {self.name} was published"
