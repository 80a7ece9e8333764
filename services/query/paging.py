"""Paging: cursors that say where a list goes on, opaque and bound to the very list."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag

from services.errors import Refused
from services.vault.seal import decrypt, encrypt

MAX_LIMIT: Final = 200
LIMIT: Final = 50
_MAX_CURSOR: Final = 4_096
_KEYS: Final = msgspec.msgpack.Decoder(tuple[str, ...])

Item = TypeVar("Item")


class Cursors:
    """Seals the last item's keys, since a name may be among them and cursors stand in addresses.

    Made of the vault's hash key, so that every process opens what another one sealed.
    """

    def __init__(self, hash_key: bytes) -> None:
        self._secret = blake2b(key=hash_key, digest_size=32, person=b"cursor").digest()

    def seal(self, keys: Sequence[str], *, of: Sequence[str]) -> str:
        """A cursor of the list ``of`` (workspace, route, filters) after the item of these keys."""
        sealed = encrypt(self._secret, msgspec.msgpack.encode(tuple(keys)), bound_to=_named(of))
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, cursor: str, *, of: Sequence[str]) -> tuple[str, ...]:
        """The keys in ``cursor``; raises ``Refused`` for one not given for this very list."""
        try:
            if len(cursor) > _MAX_CURSOR:
                raise InvalidTag
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            return _KEYS.decode(decrypt(self._secret, sealed, bound_to=_named(of)))
        except (InvalidTag, UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as cause:
            raise Refused(
                "is no cursor of this list",
                "send next_cursor as it was given, with the same filters and sort, or leave it out",
                field="cursor",
                value=cursor[:80],
            ) from cause


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list; ``next_cursor`` is null on its last page."""

    items: Sequence[Item]
    next_cursor: str | None


def cut(
    found: Sequence[tuple[Item, Sequence[str]]], limit: int, cursors: Cursors, of: Sequence[str]
) -> Page[Item]:
    """A page of (item, keys) pairs, of which one more than ``limit`` was asked for."""
    shown = found[:limit]
    following = cursors.seal(shown[-1][1], of=of) if len(found) > limit else None
    return Page([item for item, _ in shown], following)


def _named(of: Sequence[str]) -> bytes:
    return msgspec.msgpack.encode(tuple(of))
