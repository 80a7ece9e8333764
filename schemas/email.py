"""E-mail, both ways: what became of a mail that was sent, and mail that customers write."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from schemas.fields import STRICT, Count, Label, Reference, Url
from schemas.text import counted, of_campaign

MessageId = Annotated[
    Reference | None,
    Field(description="The mail's id at its sender, the same from sent to clicked"),
]
CampaignId = Annotated[
    Label | None, Field(description="The campaign that sent it; none for a single mail")
]
TemplateId = Annotated[Label | None, Field(description="The template that it was written from")]
Machine = Annotated[
    bool,
    Field(description="A program did it (scanner, prefetch): kept, never counted as interest"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What every event of a mail that we sent says."""

    message_id: MessageId = None
    campaign_id: CampaignId = None
    template_id: TemplateId = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSent(Outgoing):
    """A mail was handed to the sending system."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.sent"
    version: ClassVar[int] = 1

    agent_id: Reference | None = None
    """Who wrote it, where it was no campaign."""

    def summary(self) -> str:
        """One line for the timeline."""
        return of_campaign("Was sent an email", self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailDelivered(Outgoing):
    """The receiving server took the mail."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.delivered"
    version: ClassVar[int] = 1

    def summary(self) -> str:
        """One line for the timeline."""
        return of_campaign("Received an email", self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOpened(Outgoing):
    """The mail was shown, as far as its pixel tells."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.opened"
    version: ClassVar[int] = 1

    machine: Machine = False

    def summary(self) -> str:
        """One line for the timeline."""
        what = "Had an email opened by a program" if self.machine else "Opened an email"
        return of_campaign(what, self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailClicked(Outgoing):
    """A link of the mail was followed."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.clicked"
    version: ClassVar[int] = 1

    link: Url | None = None
    """Where it led, without what identifies the recipient."""
    machine: Machine = False

    def summary(self) -> str:
        """One line for the timeline."""
        what = (
            "Had a link of an email followed by a program"
            if self.machine
            else "Clicked in an email"
        )
        return of_campaign(what, self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailBounced(Outgoing):
    """The mail could not be delivered."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.bounced"
    version: ClassVar[int] = 1

    kind: Literal["hard", "soft"] = "hard"
    """Hard is for good (no such address), soft for now (mailbox full)."""
    code: Label | None = None
    """The server's answer, like 550 5.1.1."""

    def summary(self) -> str:
        """One line for the timeline."""
        return of_campaign(f"Had an email bounce ({self.kind})", self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailComplained(Outgoing):
    """The recipient marked the mail as spam."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.complained"
    version: ClassVar[int] = 1

    def summary(self) -> str:
        """One line for the timeline."""
        return of_campaign("Marked an email as spam", self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailUnsubscribed(Outgoing):
    """The recipient asked for no more mail of this kind."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.unsubscribed"
    version: ClassVar[int] = 1

    list_id: Label | None = None
    """Which mailing list; all where it is not given."""
    reason: Label | None = None
    """The reason chosen from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return of_campaign("Unsubscribed from email", self.campaign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailReceived:
    """A customer wrote a mail to us; subject and text are personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "email.received"
    version: ClassVar[int] = 1

    message_id: Reference | None = None
    """The mail's id, from its header."""
    thread_id: Reference | None = None
    """The conversation that it belongs to."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    mailbox: Label | None = None
    """Which of our mailboxes, like support."""
    attachments: Count = 0
    """How many files came with it."""

    def summary(self) -> str:
        """One line for the timeline."""
        files = f" with {counted(self.attachments, 'attachment')}" if self.attachments else ""
        return f"Wrote an email{files}"
