"""The vault in memory: for tests."""

import os
import secrets
import threading
from collections.abc import Collection, Mapping

from services.vault.port import DataKey
from services.vault.seal import SECRET_BYTES


class MemoryVault:
    """Two dictionaries under one lock; what it sealed can't be opened after the process."""

    def __init__(self) -> None:
        self.hash_key = os.urandom(SECRET_BYTES)
        self._lock = threading.Lock()
        self._in_force: dict[tuple[str, str], DataKey] = {}
        self._secrets: dict[str, bytes] = {}

    def keys_for(self, workspace: str, owners: Collection[str]) -> Mapping[str, DataKey]:
        with self._lock:
            return {owner: self._key_for(workspace, owner) for owner in owners}

    def secrets(self, key_ids: Collection[str]) -> Mapping[str, bytes]:
        with self._lock:
            return {key_id: self._secrets[key_id] for key_id in key_ids if key_id in self._secrets}

    def destroy(self, workspace: str, owners: Collection[str]) -> Collection[str]:
        with self._lock:
            found = [self._in_force.pop((workspace, owner), None) for owner in sorted(set(owners))]
            destroyed = [key.key_id for key in found if key is not None]
            for key_id in destroyed:
                del self._secrets[key_id]
            return destroyed

    def forget(self) -> None:
        """Nothing is remembered but what is kept."""

    def close(self) -> None:
        """Nothing to give back."""

    def _key_for(self, workspace: str, owner: str) -> DataKey:
        key = self._in_force.get((workspace, owner))
        if key is None:
            key = DataKey(secrets.token_urlsafe(12), os.urandom(SECRET_BYTES))
            self._in_force[workspace, owner] = key
            self._secrets[key.key_id] = key.secret
        return key
