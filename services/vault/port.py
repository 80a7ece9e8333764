"""The vault: the hash key, and the data keys that personal data is sealed under."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DataKey:
    """A 256-bit key of one owner (an identifier's hash, or a day for what can't be decoded)."""

    key_id: str
    secret: bytes


class Vault(Protocol):
    """What the platform asks of a vault; every adapter passes ``tests/contract/vault.py``."""

    @property
    def hash_key(self) -> bytes:
        """32 bytes that identifiers and digests are hashed with; never changes, or everybody is a stranger."""

    def keys_for(self, workspace: str, owners: Collection[str]) -> Mapping[str, DataKey]:
        """The data key in force of each owner, made and stored durably where there was none."""

    def secrets(self, key_ids: Collection[str]) -> Mapping[str, bytes]:
        """The secrets by key id; a key that was destroyed is not among them."""
