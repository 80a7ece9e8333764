"""Single messages outside e-mail: text messages, messengers, social networks, push."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Count, Label, Reference

Channel = Literal[
    "sms",
    "rcs",
    "whatsapp",
    "wechat",
    "messenger",
    "instagram",
    "telegram",
    "line",
    "viber",
    "push",
    "in_app",
    "social",
    "other",
]
CHANNELS: Final[Mapping[Channel, str]] = {
    "sms": "SMS",
    "rcs": "RCS",
    "whatsapp": "WhatsApp",
    "wechat": "WeChat",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "line": "LINE",
    "viber": "Viber",
    "push": "push notification",
    "in_app": "in-app message",
    "social": "social media",
    "other": "another messenger",
}
"""How a timeline calls each channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent:
    """We sent a message; its text is personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "message.sent"
    version: ClassVar[int] = 1

    channel: Channel
    """The medium."""
    message_id: Reference | None = None
    """The message's id at its provider."""
    thread_id: Reference | None = None
    """The conversation that it belongs to."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    campaign_id: Label | None = None
    """The campaign that sent it."""
    template_id: Label | None = None
    """The template that it was written from."""
    agent_id: Reference | None = None
    """Who wrote it, where it was no campaign."""
    is_delivered: bool = True
    """Whether the provider could deliver it."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Was sent a message ({CHANNELS[self.channel]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """A customer sent us a message; its text is personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "message.received"
    version: ClassVar[int] = 1

    channel: Channel
    """The medium."""
    message_id: Reference | None = None
    """The message's id at its provider."""
    thread_id: Reference | None = None
    """The conversation that it belongs to."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    network: Label | None = None
    """Which network, where the channel is social."""
    is_public: bool = False
    """Others can read it, like a post or a mention."""
    attachments: Count = 0
    """How many files came with it."""

    def summary(self) -> str:
        """One line for the timeline."""
        what = "Wrote publicly" if self.is_public else "Wrote a message"
        return f"{what} ({CHANNELS[self.channel]})"
