"""Intent: what customers want, found in what they write and say.

Texts are sealed, so whoever may open them asks a ``Classifier`` once and keeps what it found as an
entry (``said``); rules look at entries only. The text itself stays sealed: an entry holds one of
our own keywords.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

from services.scoring.model.history import Entry

SAID: Final = "said."
"""What types of entries of an intent begin with."""
SPOKEN: Final = frozenset(
    "call.ended case.opened case.replied chat.ended email.received form.submitted "
    "message.received note.written".split()
)
"""The types of events whose texts tell what a customer wants."""


class Intent(NamedTuple):
    """What somebody wants, how sure that is from 0 to 1, and the sign that it was found by."""

    name: Literal["cancel"]
    confidence: float
    sign: str


class Classifier(Protocol):
    """Finds intents in texts; the same text gives the same, so that a replay finds the same."""

    def intents(self, text: str) -> Sequence[Intent]:
        """At most one of each name; ``sign`` holds nothing that the customer alone would say."""


def said(entry: Entry, text: str, classifier: Classifier) -> list[Entry]:
    """The entries to keep beside ``entry``, whose event had this text."""
    if entry.type not in SPOKEN or (entry.type == "case.replied" and entry.unit != "customer"):
        return []
    return [
        Entry(
            entry.at_s, SAID + one.name, entry.source, entry.id,
            about=entry.about, value=one.confidence, unit=one.sign,
        )
        for one in classifier.intents(text)
    ]  # fmt: skip
