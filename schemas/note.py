"""Notes: what our people write down about a customer."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, Label, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten:
    """Somebody wrote something down; the text is personal."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "note.written"
    version: ClassVar[int] = 1

    note_id: Reference | None = None
    """The note's id in the producer's system."""
    author_id: Reference | None = None
    """Who wrote it, by id."""
    topic: Label | None = None
    """What it is about, from a list."""
    case_id: Reference | None = None
    """The support case that it belongs to."""
    deal_id: Reference | None = None
    """The deal that it belongs to."""

    def summary(self) -> str:
        """One line for the timeline."""
        return "Had a note written about them"
