"""Consents: what a customer allows us to do, and no longer."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, At, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """The customer allowed something."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "consent.given"
    version: ClassVar[int] = 1

    purpose: Label
    """What for, like marketing, analytics or profiling."""
    channel: Literal["any", "email", "phone", "sms", "messenger", "post", "push"] = "any"
    """By which medium."""
    basis: Literal[
        "consent",
        "contract",
        "legal_obligation",
        "vital_interest",
        "public_task",
        "legitimate_interest",
    ] = "consent"
    """The legal basis, in the terms of GDPR article 6."""
    method: Label | None = None
    """How it was given, like double_opt_in or form."""
    text_version: Label | None = None
    """Which wording was agreed to."""
    expires_at: At | None = None
    """Until when it holds; until withdrawn by default."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Agreed to {self.purpose}{by_channel(self.channel)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """The customer no longer allows something."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "consent.withdrawn"
    version: ClassVar[int] = 1

    purpose: Label
    """What for, like marketing, analytics or profiling."""
    channel: Literal["any", "email", "phone", "sms", "messenger", "post", "push"] = "any"
    """By which medium."""
    method: Label | None = None
    """How it was withdrawn, like preference_centre or phone."""
    reason: Label | None = None
    """Why, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Withdrew consent to {self.purpose}{by_channel(self.channel)}"


def by_channel(channel: str) -> str:
    """`` by email``; nothing where any channel is meant."""
    return "" if channel == "any" else f" by {channel}"
