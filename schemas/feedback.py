"""Feedback: what customers say of us, with the scale that their score is on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from pydantic import ConfigDict

from schemas.fields import STRICT, Label, Reference, Score

Survey = Literal["nps", "csat", "ces", "review", "comment"]

SCALES: Final[Mapping[Survey, tuple[float, float]]] = {
    "nps": (0.0, 10.0),
    "csat": (1.0, 5.0),
    "ces": (1.0, 7.0),
    "review": (1.0, 5.0),
    "comment": (1.0, 5.0),
}
"""Lowest and highest score of each survey, where an event does not say its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven:
    """A customer answered a survey, wrote a review or commented; what was written is personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "feedback.given"
    version: ClassVar[int] = 2

    survey: Survey
    """Nps: would recommend; csat: satisfied; ces: was it easy; review: of a product or place."""
    score: Score | None = None
    """The answer; only a comment or review may go without."""
    scale_min: Score | None = None
    """The worst score; 0 of nps, 1 of all others by default."""
    scale_max: Score | None = None
    """The best score; 10 of nps, 7 of ces, 5 of all others by default."""
    topic: Label | None = None
    """What it is about, from a list."""
    survey_id: Reference | None = None
    """Which questionnaire."""
    case_id: Reference | None = None
    """The support case that it is about."""
    order_id: Reference | None = None
    """The order that it is about."""
    sku: Reference | None = None
    """The product that it is about."""
    agent_id: Reference | None = None
    """The agent that it is about."""
    channel: Label | None = None
    """How it was asked, like email, web or sms."""

    def __post_init__(self) -> None:
        """Fill in the survey's scale; refuse a score that is missing or off its scale."""
        low, high = self.scale
        score = self.score
        object.__setattr__(self, "scale_min", low)
        object.__setattr__(self, "scale_max", high)
        if low >= high:
            msg = f"scale_min {low:g} is not below scale_max {high:g}"
            raise ValueError(msg)
        if score is None and self.survey in ("nps", "csat", "ces"):
            msg = f"{self.survey} needs a score from {low:g} to {high:g}"
            raise ValueError(msg)
        if score is not None and not low <= score <= high:
            msg = f"score {score:g} is not on the scale from {low:g} to {high:g}"
            raise ValueError(msg)

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest score."""
        low, high = SCALES[self.survey]
        return (
            low if self.scale_min is None else self.scale_min,
            high if self.scale_max is None else self.scale_max,
        )

    def summary(self) -> str:
        """One line for the timeline."""
        about = f" on {self.topic}" if self.topic else ""
        if self.score is None:
            return f"Left a {self.survey}{about}"
        kind = self.survey.upper() if self.survey in ("nps", "csat", "ces") else self.survey
        return f"Gave {self.score:g} of {self.scale[1]:g} ({kind}){about}"
