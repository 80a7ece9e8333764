"""Workspaces (tenants), with what changes the meaning of their events."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Actor, Country, Currency, Label, TimeZone


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceCreated:
    """A workspace was opened; its default policies follow."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "workspace.created"
    version: ClassVar[int] = 1

    name: Label
    """What people call it."""
    time_zone: TimeZone = "UTC"
    """Where its days begin."""
    currency: Currency = "EUR"
    """What its reports are in."""
    region: Country = "US"
    """Reads phone numbers without a prefix."""
    by: Actor

    def summary(self) -> str:
        """One line for the timeline."""
        return "Workspace was created"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceChanged:
    """Settings of a workspace changed; what is not named stays."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "workspace.changed"
    version: ClassVar[int] = 1

    name: Label | None = None
    """What people call it."""
    time_zone: TimeZone | None = None
    """Where its days begin."""
    currency: Currency | None = None
    """What its reports are in."""
    region: Country | None = None
    """Reads phone numbers without a prefix."""
    by: Actor

    def summary(self) -> str:
        """One line for the timeline."""
        return "Workspace was changed"
