"""How the master key wraps the keys that the vault stores (pure, but for a nonce's randomness)."""

from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag

from services.errors import Misconfigured
from services.vault.seal import decrypt, encrypt

SETTING: Final = "TOUCHLINE_MASTER_KEY"


def wrap(master_key: bytes, secret: bytes, *, bound_to: str) -> bytes:
    """``secret`` as the vault stores it, readable only by ``master_key`` and as ``bound_to``'s."""
    return encrypt(master_key, secret, bound_to=bound_to.encode())


def unwrap(master_key: bytes, wrapped: bytes, *, bound_to: str) -> bytes:
    """What was wrapped; raises ``Misconfigured`` when it was wrapped by another master key."""
    try:
        return decrypt(master_key, wrapped, bound_to=bound_to.encode())
    except InvalidTag as error:
        raise wrong_master_key() from error


def data_key(workspace: str, owner: str, key_id: str) -> str:
    """What a data key is bound to, so that a row put in another's place does not open."""
    return f"{workspace}\0{owner}\0{key_id}"


def fingerprint(master_key: bytes) -> str:
    """Names a master key without telling it."""
    return blake2b(key=master_key, digest_size=8, person=b"fingerprint").hexdigest()


def wrong_master_key() -> Misconfigured:
    return Misconfigured(
        f"{SETTING} is not the key that this vault is wrapped with; restore the one it was made "
        "with, or restart with the new one if it was rotated"
    )
