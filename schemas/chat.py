"""Chats on a web page or in an app, told once they have ended."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Count, DurationS, Label, Reference, Url
from schemas.text import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEnded:
    """A chat came to its end; what was written is personal text."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "chat.ended"
    version: ClassVar[int] = 1

    chat_id: Reference | None = None
    """The chat's id in the chat system."""
    duration_s: DurationS = 0
    """From its first message to its last."""
    queue_s: DurationS | None = None
    """Waiting time until somebody answered."""
    first_reply_s: DurationS | None = None
    """From the customer's first message to our first answer by a person."""
    messages: Count = 0
    """Messages of both sides."""
    customer_messages: Count = 0
    """Messages of the customer alone."""
    outcome: Literal["resolved", "unresolved", "abandoned", "missed", "handed_over"] = "resolved"
    """Abandoned: the customer left waiting; handed_over: it goes on elsewhere."""
    is_bot_only: bool = False
    """No person took part on our side."""
    channel: Label | None = None
    """Where, like web or app."""
    queue: Label | None = None
    """The queue or team that took it."""
    agent_id: Reference | None = None
    """Who answered, by id."""
    topic: Label | None = None
    """What it was about, from a list."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    url: Url | None = None
    """The page that it was opened on."""

    def summary(self) -> str:
        """One line for the timeline."""
        with_whom = " with a bot" if self.is_bot_only else ""
        return (
            f"Chatted{with_whom} for {duration(self.duration_s)}, {self.outcome.replace('_', ' ')}"
        )
