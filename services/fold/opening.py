"""Opening: what sealed parts tell the folds, namely traits and the plain values of identifiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.envelope import FREE_TEXT, Sealed, Trait, Unsealed
from services.errors import BadRecord
from services.fold.projection import Event
from services.vault.port import Vault
from services.vault.seal import unseal

_UNSEALED = msgspec.json.Decoder(Unsealed)


@dataclass(slots=True)
class Opened:
    """What was found in the sealed parts of some events; those are named by their index."""

    plain: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Identifier → its kind and plain value."""
    traits: dict[int, Mapping[str, Trait]] = field(default_factory=dict)
    """What the sealed part says of the customer, free text aside."""
    unopenable: dict[int, str] = field(default_factory=dict)
    """Why a sealed part that tells traits, and whose key we have, doesn't open."""


def open_sealed(events: Sequence[Event], told: set[str], vault: Vault) -> Opened:
    """Open what tells traits, or an identifier that is not among those ``told`` before.

    Where the key was destroyed (an erasure) the event goes on without what named the person.
    """
    wanted: list[tuple[int, Event, Sealed]] = []
    for index, event in enumerate(events):
        recorded = event.recorded
        tells = recorded.has_traits or not told.issuperset(recorded.identifiers)
        if tells and recorded.sealed is not None:
            wanted.append((index, event, recorded.sealed))
    secrets = vault.secrets({sealed.key_id for _, _, sealed in wanted}) if wanted else {}
    opened = Opened()
    for index, event, sealed in wanted:
        recorded = event.recorded
        if not recorded.has_traits and told.issuperset(recorded.identifiers):
            continue  # an event before this one told them
        if sealed.key_id not in secrets:
            continue
        try:
            plain = _unsealed(event, sealed, secrets[sealed.key_id])
        except (BadRecord, msgspec.DecodeError) as cause:
            if recorded.has_traits:
                opened.unopenable[index] = f"its sealed part can't be opened: {cause}"
            # Without traits it counts on: whether it is looked at depends on what came before it.
            continue
        told.update(recorded.identifiers)
        for identifier, text in zip(recorded.identifiers, plain.identifiers, strict=False):
            kind, _, value = text.partition(":")
            opened.plain[identifier] = kind, value
        if recorded.has_traits:
            opened.traits[index] = {
                name: value for name, value in plain.personal.items() if name not in FREE_TEXT
            }
    return opened


def _unsealed(event: Event, sealed: Sealed, secret: bytes) -> Unsealed:
    recorded = event.recorded
    bound_to = f"{recorded.workspace}\0{recorded.source}\0{recorded.id}".encode()
    return _UNSEALED.decode(unseal(secret, sealed, bound_to=bound_to))
