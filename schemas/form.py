"""Forms that customers fill in."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Label, Reference, Url


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubmitted:
    """A form was sent; the answers that name a person or are free text are personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "form.submitted"
    version: ClassVar[int] = 1

    form_id: Label
    """Which form, like contact or demo_request."""
    url: Url | None = None
    """The page that it was on."""
    session_id: Reference | None = None
    """The visit that it belongs to."""
    campaign_id: Label | None = None
    """The campaign that brought the visit."""
    topic: Label | None = None
    """What it was about, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Submitted the form {self.form_id.replace('_', ' ')}"
