"""Telephone calls, told once they have ended."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Count, DurationS, Label, Reference
from schemas.text import duration

CallOutcome = Literal[
    "answered", "abandoned", "missed", "voicemail", "busy", "callback", "failed", "self_service"
]
"""Answered by an agent; abandoned: the caller hung up while waiting; self_service: the menu did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call came to its end, however it went; what was said is personal text."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "call.ended"
    version: ClassVar[int] = 1

    call_id: Reference | None = None
    """The call's id in the telephone system."""
    direction: Literal["inbound", "outbound"] = "inbound"
    """Inbound is from the customer to us."""
    duration_s: DurationS = 0
    """Talk time, without queue and menus."""
    queue_s: DurationS | None = None
    """Waiting time until an agent answered or the caller hung up."""
    ivr_s: DurationS | None = None
    """Time in the voice menu."""
    hold_s: DurationS | None = None
    """Time on hold, inside the talk time."""
    outcome: CallOutcome = "answered"
    """How it ended."""
    queue: Label | None = None
    """The queue or line that took it."""
    agent_id: Reference | None = None
    """Who answered or called, by id."""
    topic: Label | None = None
    """What it was about, from a list."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    campaign_id: Label | None = None
    """The campaign that called, for outbound calls."""
    transfers: Count = 0
    """How often it was passed on."""

    def summary(self) -> str:
        """One line for the timeline."""
        who = "Called" if self.direction == "inbound" else "Was called"
        if self.outcome == "answered":
            return f"{who}, talked {duration(self.duration_s)}"
        waited = f" after {duration(self.queue_s)}" if self.queue_s else ""
        return f"{who}, {self.outcome.replace('_', ' ')}{waited}"
