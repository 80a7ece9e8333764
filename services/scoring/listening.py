"""Listening: what customers say that they want, found in their sealed texts as these are taken in.

Only the types of events are opened that hold a customer's own words, or ours about them. What is
kept is an entry with the sign that was found; the text stays sealed.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.envelope import FREE_TEXT, Sealed, Unsealed
from services.errors import BadRecord
from services.scoring.model.history import Entry
from services.scoring.rules import Classifier, Keywords, said
from services.vault.port import Vault
from services.vault.seal import unseal


class Spoken(NamedTuple):
    """An event that may hold words."""

    leaf: str
    workspace: str
    entry: Entry
    payload: bytes
    """The record."""


class _Part(msgspec.Struct):
    """The sealed part of a record."""

    sealed: Sealed | None = None


class Listener:
    """Opens what was said; where the key was destroyed nobody ever said it."""

    def __init__(self, vault: Vault, classifier: Classifier | None = None) -> None:
        self._vault, self._classifier = vault, classifier or Keywords()

    def hear(self, spoken: Sequence[Spoken]) -> list[tuple[str, Entry]]:
        """What to keep beside these events, each with its leaf; raises ``Unavailable``."""
        parts = [_PART.decode(one.payload).sealed for one in spoken]
        ids = {sealed.key_id for sealed in parts if sealed}
        secrets = self._vault.secrets(ids) if ids else {}
        return [
            (one.leaf, heard)
            for one, sealed in zip(spoken, parts, strict=True)
            if sealed and sealed.key_id in secrets
            for heard in said(
                one.entry, _text(one, sealed, secrets[sealed.key_id]), self._classifier
            )
        ]

    def forget(self) -> None:
        """Let go of the keys that were used."""
        self._vault.forget()


def _text(one: Spoken, sealed: Sealed, secret: bytes) -> str:
    """All that was written, or nothing where it can't be opened: the projector says so."""
    bound_to = f"{one.workspace}\0{one.entry.source}\0{one.entry.id}".encode()
    try:
        personal = _UNSEALED.decode(unseal(secret, sealed, bound_to=bound_to)).personal
    except (BadRecord, msgspec.DecodeError):
        return ""
    return "\n".join(str(personal[name]) for name in sorted(FREE_TEXT & personal.keys()))


_PART: Final = msgspec.json.Decoder(_Part)
_UNSEALED: Final = msgspec.json.Decoder(Unsealed)
