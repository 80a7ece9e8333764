"""Keys: made, listed, revoked. A key is shown once; what is kept of it can't give it back."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args

from services.errors import Refused
from services.store.tenants import KeyRow, Tenants

Kind = Literal["browser", "write", "secret", "admin"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY_LENGTH: Final = 43
"""Characters that 256 bits take in base 62."""
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; ``key`` is nowhere else."""

    row: KeyRow
    key: str


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """What is asked for: whose key, what it may, what people call it, when it ends by itself."""

    workspace: str
    kind: str
    name: str = ""
    expires_at: datetime | None = None


def create_key(order: KeyOrder, tenants: Tenants, now: datetime) -> NewKey:
    """Make a key that is in force at once, and for ever unless it expires or is revoked.

    Raises ``Refused`` for a kind, name or end that can't be, and ``NotFound`` for a workspace.
    """
    _check(order, now)
    key = f"tl_{order.kind}_{_base62(secrets.token_bytes(32))}"
    key_id = f"k_{_base62(secrets.token_bytes(32))[-12:]}"
    row = KeyRow(key_id, order.workspace, order.kind, order.name, now, order.expires_at)
    tenants.insert_key(row, sha256(key.encode()).digest())
    return NewKey(row, key)


def state(row: KeyRow, now: datetime) -> Literal["in force", "revoked", "expired"]:
    """What a key is worth at ``now``."""
    if row.revoked_at is not None and row.revoked_at <= now:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "in force"


def _check(order: KeyOrder, now: datetime) -> None:
    if order.kind not in KINDS:
        raise Refused(
            "is no kind of key", f"use one of {', '.join(KINDS)}", field="kind", value=order.kind
        )
    if len(order.name) > _LONGEST_NAME:
        raise Refused(
            "is too long", f"use at most {_LONGEST_NAME} characters", field="name", value=order.name
        )
    if order.expires_at is not None and order.expires_at <= now:
        raise Refused(
            "is in the past",
            "name a time to come",
            field="expires_at",
            value=order.expires_at.isoformat(),
        )


def _base62(data: bytes) -> str:
    number, digits = int.from_bytes(data), []
    for _ in range(_KEY_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
