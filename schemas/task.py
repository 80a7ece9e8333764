"""Tasks: what somebody on our side is to do for a customer."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, At, Label, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreated:
    """Something is to be done; what exactly is personal text."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "task.created"
    version: ClassVar[int] = 1

    task_id: Reference
    kind: Label = "to_do"
    """What kind, like call, email or to_do."""
    due_at: At | None = None
    """When it must be done."""
    assignee_id: Reference | None = None
    """Who is to do it."""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    """How soon it must be dealt with."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    deal_id: Reference | None = None
    """The deal that it belongs to."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Task {self.task_id} was created ({self.kind.replace('_', ' ')})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted:
    """It was done, or will not be."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "task.completed"
    version: ClassVar[int] = 1

    task_id: Reference
    assignee_id: Reference | None = None
    """Who did it."""
    outcome: Literal["done", "cancelled"] = "done"
    """Whether it was done."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Task {self.task_id} was {'completed' if self.outcome == 'done' else 'cancelled'}"
