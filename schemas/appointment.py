"""Appointments: meetings, visits and treatments at a fixed time."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, At, DurationS, Label, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBooked:
    """A time was agreed; booking again under one id moves it."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "appointment.booked"
    version: ClassVar[int] = 1

    appointment_id: Reference
    starts_at: At
    duration_s: DurationS | None = None
    """How long it is planned to take."""
    kind: Label = "meeting"
    """What kind, like demo, consultation or fitting."""
    medium: Literal["in_person", "video", "phone"] = "in_person"
    """How customer and agent meet."""
    location_id: Label | None = None
    """Which store or office."""
    agent_id: Reference | None = None
    """Whom the customer will meet."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    deal_id: Reference | None = None
    """The deal that it belongs to."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Booked an appointment for {self.starts_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentHeld:
    """The appointed time is over."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "appointment.held"
    version: ClassVar[int] = 1

    appointment_id: Reference
    outcome: Literal["held", "no_show", "cancelled"] = "held"
    """Whether the customer came."""
    duration_s: DurationS | None = None
    """How long it took."""
    agent_id: Reference | None = None
    """Whom the customer met."""

    def summary(self) -> str:
        """One line for the timeline."""
        match self.outcome:
            case "held":
                return f"Kept appointment {self.appointment_id}"
            case "no_show":
                return f"Did not come to appointment {self.appointment_id}"
            case "cancelled":
                return f"Cancelled appointment {self.appointment_id}"
