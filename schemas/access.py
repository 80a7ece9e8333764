"""Access: who looked at personal data, and on what ground."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Actor, Count, IdentifierHash, Label
from schemas.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessAudited:
    """Personal data was read, exported or changed by somebody."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "access.audited"
    version: ClassVar[int] = 1

    by: Actor
    action: Literal["read", "search", "export", "merge", "split", "erase", "resubmit", "change"]
    """What was done with the data."""
    customer_id: IdentifierHash | None = None
    """Whose data."""
    customers: Count = 1
    """How many customers' data."""
    route: Label | None = None
    """Through which route, page or command."""
    ground: Label | None = None
    """On what ground, from a list."""
    is_granted: bool = True
    """Whether it was allowed."""

    def summary(self) -> str:
        """One line for the timeline."""
        whose = counted(self.customers, "customer")
        return f"Access ({self.action}) {'to' if self.is_granted else 'denied to'} data of {whose}"
