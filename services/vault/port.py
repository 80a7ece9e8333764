"""The vault: the hash key, and the data keys that personal data is sealed under."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DataKey:
    """A 256-bit key of one owner (an identifier's hash, or a day for what can't be decoded)."""

    key_id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.key_id!r}, …)"


class Vault(Protocol):
    """What the platform asks of a vault; every adapter passes ``tests/contract/vault.py``."""

    @property
    def hash_key(self) -> bytes:
        """32 bytes that identifiers and digests are hashed with; changed, all are strangers."""

    def keys_for(self, workspace: str, owners: Collection[str]) -> Mapping[str, DataKey]:
        """The data key in force of each owner, made and stored durably where there was none."""

    def secrets(self, key_ids: Collection[str]) -> Mapping[str, bytes]:
        """The secrets by key id; a key that was destroyed is not among them."""

    def destroy(self, workspace: str, owners: Collection[str]) -> Collection[str]:
        """Destroy the owners' keys, for ever: nobody reads again what they sealed. Their key ids.

        This process has forgotten them on return, others within a minute; an owner who comes back
        is given another key.
        """

    def forget(self) -> None:
        """Let go of what this process remembers; it is looked up again when it is asked for."""

    def close(self) -> None:
        """Give connections back; the vault is not used afterwards."""
