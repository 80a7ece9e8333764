"""Hashing, sealing and opening (pure, but for the randomness of a nonce).

AES-256-GCM as in NIST SP 800-38D with random 96-bit nonces: good for 2**32 seals a key, and a key
has one owner.
Keyed hashes are BLAKE2b (RFC 7693), personalised so that an identifier's hash is never a digest's.
"""

import os
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.envelope import Sealed
from schemas.identifiers import strength
from services.errors import BadRecord
from services.vault.port import DataKey

SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HASH_BYTES: Final = 16


def hash_identifier(
    hash_key: bytes, workspace: str, kind: str, value: str, *, epoch: int = 0
) -> str:
    """32 hex digits that stand for a normalised identifier; the first is its strength.

    ``epoch`` counts the identifier's erasures: whoever comes back is a stranger.
    """
    # The value comes last, since it alone may hold a NUL: no two identifiers read alike.
    named = f"{epoch}\0{workspace}\0{kind}\0{value}".encode()
    digits = blake2b(named, key=hash_key, digest_size=_HASH_BYTES, person=b"identifier").hexdigest()
    return f"{strength(kind)}{digits[1:]}"


def digest(hash_key: bytes, canonical: bytes) -> str:
    """32 hex digits that tell a repetition of an event from another event under its id."""
    return blake2b(canonical, key=hash_key, digest_size=_HASH_BYTES, person=b"digest").hexdigest()


def seal(key: DataKey, plain: bytes, *, bound_to: bytes) -> Sealed:
    """``plain`` as only ``key`` opens it, and only where it is ``bound_to`` the same."""
    return Sealed(key.key_id, encrypt(key.secret, plain, bound_to=bound_to))


def unseal(secret: bytes, sealed: Sealed, *, bound_to: bytes) -> bytes:
    """What was sealed; raises ``BadRecord`` when key, bytes or ``bound_to`` are not the seal's."""
    try:
        return decrypt(secret, sealed.ciphertext, bound_to=bound_to)
    except InvalidTag as error:
        raise BadRecord(f"the sealed part does not open with key {sealed.key_id}") from error


def encrypt(secret: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Nonce and ciphertext of ``plain``."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, plain, bound_to)


def decrypt(secret: bytes, ciphertext: bytes, *, bound_to: bytes) -> bytes:
    """What ``encrypt`` took; raises ``InvalidTag`` when anything differs."""
    if len(ciphertext) < _NONCE_BYTES:
        raise InvalidTag
    return AESGCM(secret).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], bound_to)
