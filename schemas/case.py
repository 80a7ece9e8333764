"""Support cases (tickets), from opening to closing."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, DurationS, Label, Quantity, Reference

Priority = Literal["low", "normal", "high", "urgent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened:
    """A support case was opened; its subject and text are personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.opened"
    version: ClassVar[int] = 1

    case_id: Reference
    priority: Priority = "normal"
    """How soon it must be dealt with."""
    channel: Label | None = None
    """How it reached us, like email, phone or web."""
    category: Label | None = None
    """What kind of matter, from a list."""
    kind: Literal["question", "problem", "complaint", "request"] = "question"
    """A complaint weighs more than a question."""
    product: Label | None = None
    """What it is about."""
    queue: Label | None = None
    """The team that it landed with."""
    agent_id: Reference | None = None
    """Who opened it, where it was not the customer."""
    order_id: Reference | None = None
    """The order that it is about."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Opened case {self.case_id} ({self.priority})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAssigned:
    """The case was given to an agent or a team."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.assigned"
    version: ClassVar[int] = 1

    case_id: Reference
    agent_id: Reference | None = None
    """Who has it now."""
    queue: Label | None = None
    """The team that has it now."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Case {self.case_id} was assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReplied:
    """Customer or agent wrote in the case; the text is personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.replied"
    version: ClassVar[int] = 1

    case_id: Reference
    author: Literal["agent", "customer", "bot"] = "agent"
    """Who wrote it."""
    agent_id: Reference | None = None
    """Which agent."""
    channel: Label | None = None
    """How, like email or phone."""
    is_internal: bool = False
    """A note that the customer does not see."""
    reply_s: DurationS | None = None
    """Since the message that it answers."""

    def summary(self) -> str:
        """One line for the timeline."""
        if self.author == "customer":
            return f"Replied in case {self.case_id}"
        return f"Case {self.case_id} got {'an internal note' if self.is_internal else 'a reply'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEscalated:
    """The case went to somebody with more knowledge or authority."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.escalated"
    version: ClassVar[int] = 1

    case_id: Reference
    level: Quantity | None = None
    """The level that it went to; the first line is 1."""
    priority: Priority | None = None
    """Its priority from now on."""
    queue: Label | None = None
    """The team that has it now."""
    agent_id: Reference | None = None
    """Who has it now."""
    reason: Label | None = None
    """Why, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Case {self.case_id} was escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResolved:
    """The matter was settled, in the agent's view."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.resolved"
    version: ClassVar[int] = 1

    case_id: Reference
    resolution: Label | None = None
    """How, from a list."""
    agent_id: Reference | None = None
    """Who settled it."""
    resolution_s: DurationS | None = None
    """Since it was opened."""
    is_first_contact: bool = False
    """Settled without a second contact."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Case {self.case_id} was resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReopened:
    """The matter was not settled after all."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.reopened"
    version: ClassVar[int] = 1

    case_id: Reference
    reason: Label | None = None
    """Why, from a list."""
    queue: Label | None = None
    """The team that has it now."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Case {self.case_id} was reopened"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed:
    """The case is finished for good."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "case.closed"
    version: ClassVar[int] = 1

    case_id: Reference
    reason: Label | None = None
    """Why, like resolved, duplicate or spam."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Case {self.case_id} was closed"
