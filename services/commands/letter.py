"""A letter opened: what was sealed in it, as the event that its sender could post."""

from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.codec import Undecodable, decode, dump
from schemas.envelope import Recorded, Sealed, Unsealed
from services.errors import BadRecord
from services.fold.take import CONFLICT
from services.store.port import Letter
from services.vault.port import Vault
from services.vault.seal import unseal

LOG: Final = "log"
"""The origin of letters that folds wrote; all others were refused before they were in the log."""
_BROWSER: Final = "browser/"
_UNSEALED: Final = msgspec.json.Decoder(Unsealed)


class _Sent(msgspec.Struct):
    """Who sent a record; also told by one whose type or data we can't read."""

    key_kind: str
    source: str


_SENT: Final = msgspec.json.Decoder(_Sent)


def day_owner(at: datetime) -> str:
    """Whose key seals what may name anybody."""
    return f"day:{at:%Y-%m-%d}"


def sealed_to(workspace: str, origin: str, partition: int | None, offset: int | None) -> bytes:
    """What a letter's seal is bound to, so that one letter's bytes never open as another's."""
    place = f"{workspace}\0{origin}" if partition is None else f"{partition}:{offset}"
    return place.encode()


def may_resend(letter: Letter) -> bool:
    """Whether the very same record could fare better now: one that lost its id never does."""
    return letter.reason != CONFLICT


def browser_of(letter: Letter, vault: Vault) -> str | None:
    """The browser key that sent it; None where a server's key did, or its seal can't be opened."""
    record = _kept(letter, vault) if letter.origin == LOG else None
    try:
        sent = _SENT.decode(record or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return sent.source.split("/", 2)[1] if _is_browsers(sent) else None


def raw_of(letter: Letter, vault: Vault) -> bytes | None:
    """The event as JSON to post, or the bytes that are none; None where it can't be opened."""
    if letter.key_id:
        return _kept(letter, vault)
    try:
        recorded = decode(letter.ciphertext)
    except Undecodable:
        return letter.ciphertext
    return _posted(recorded, vault)


def _posted(recorded: Recorded[Any], vault: Vault) -> bytes | None:
    """``recorded`` as its producer posted it, defaults filled in."""
    plain = Unsealed(identifiers=recorded.identifiers)
    if recorded.sealed is not None:
        bound_to = f"{recorded.workspace}\0{recorded.source}\0{recorded.id}".encode()
        unsealed = _unsealed(recorded.sealed, vault, bound_to)
        if unsealed is None:
            return None
        plain = _UNSEALED.decode(unsealed)
    event = {
        "id": recorded.id,
        "source": _source(recorded.source),
        "type": recorded.type,
        "version": recorded.version,
        "occurred_at": recorded.occurred_at,
        "identifiers": plain.identifiers,
        "personal": plain.personal,
        "data": plain.data or msgspec.Raw(dump(recorded.data)),
        "cause": recorded.cause,
    }
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


def _kept(letter: Letter, vault: Vault) -> bytes | None:
    """The bytes that the letter holds; None where they can't be opened."""
    if not letter.key_id:
        return letter.ciphertext
    bound_to = sealed_to(letter.workspace, letter.origin, letter.partition, letter.offset)
    return _unsealed(Sealed(letter.key_id, letter.ciphertext), vault, bound_to)


def _is_browsers(sent: _Sent) -> bool:
    return sent.key_kind == "browser" and sent.source.startswith(_BROWSER)


def _source(source: str) -> str:
    """As the producer named it: browsers' are marked when they are recorded."""
    return source.split("/", 2)[2] if source.startswith(_BROWSER) else source


def _unsealed(sealed: Sealed, vault: Vault, bound_to: bytes) -> bytes | None:
    secret = vault.secrets([sealed.key_id]).get(sealed.key_id)
    if secret is None:
        return None
    try:
        return unseal(secret, sealed, bound_to=bound_to)
    except BadRecord:
        return None
