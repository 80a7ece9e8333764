"""The vault in PostgreSQL: keys wrapped by a master key that the database never sees."""

import os
import secrets
from collections.abc import Collection, Mapping
from typing import Final

from services.errors import Unavailable
from services.vault.cache import Cache
from services.vault.connections import Connections
from services.vault.port import DataKey
from services.vault.seal import SECRET_BYTES
from services.vault.statements import (
    ADD_HASH_KEY,
    DESTROY,
    HASH_KEY,
    KEYS_BY_ID,
    KEYS_IN_FORCE,
    READ_HASH_KEY,
)
from services.vault.wrapping import data_key, fingerprint, unwrap, wrap, wrong_master_key

CACHED_KEYS: Final = 50_000
FORGET_S: Final = 60
"""How long a process may go on opening what another one destroyed the key of."""
ATTEMPTS: Final = 5
KEY_ID_BYTES: Final = 12  # 16 characters; two of 10**9 are alike with probability 10**-11

Owner = tuple[str, str]
"""Workspace, and the owner in it."""


class PostgresVault:
    """Keys of a database that ``migrate`` made, unwrapped on demand and remembered for a minute."""

    def __init__(self, url: str, master_key: bytes) -> None:
        """Raises ``Misconfigured`` when ``master_key`` is not the one that wraps this vault."""
        self._master_key = master_key
        self._master = fingerprint(master_key)
        self._in_force: Cache[Owner, DataKey] = Cache(CACHED_KEYS, FORGET_S)
        self._secrets: Cache[str, bytes] = Cache(CACHED_KEYS, FORGET_S)
        self._connections = Connections(url)
        try:
            self.hash_key = self._load_or_make_hash_key()
        except BaseException:
            self._connections.close()
            raise

    def keys_for(self, workspace: str, owners: Collection[str]) -> Mapping[str, DataKey]:
        removals = self._in_force.removals
        cached = self._in_force.get([(workspace, owner) for owner in owners])
        keys = {owner: key for (_, owner), key in cached.items()}
        missing = sorted(set(owners) - keys.keys())
        for _ in range(ATTEMPTS):
            if not missing:
                return keys
            loaded = self._load_or_make_keys(workspace, missing)
            self._in_force.put({(workspace, owner): key for owner, key in loaded.items()}, removals)
            keys |= loaded
            # Another process made a key after our statement began: its next look finds it.
            missing = [owner for owner in missing if owner not in loaded]
        if missing:
            self._check_master()
            raise Unavailable(
                f"the vault gave no key for {len(missing)} owners in {ATTEMPTS} attempts"
            )
        return keys

    def secrets(self, key_ids: Collection[str]) -> Mapping[str, bytes]:
        removals = self._secrets.removals
        found = self._secrets.get(key_ids)
        missing = [key_id for key_id in set(key_ids) if key_id not in found]
        if missing:
            with self._connections.cursor() as cursor:
                rows = cursor.execute(KEYS_BY_ID, [missing]).fetchall()
            loaded = {
                key_id: unwrap(
                    self._master_key, wrapped, bound_to=data_key(workspace, owner, key_id)
                )
                for workspace, owner, key_id, wrapped in rows
            }
            self._secrets.put(loaded, removals)
            found |= loaded
        return found

    def destroy(self, workspace: str, owners: Collection[str]) -> Collection[str]:
        with self._connections.cursor() as cursor:
            rows = cursor.execute(
                DESTROY, {"workspace": workspace, "owners": list(owners)}
            ).fetchall()
        key_ids = [key_id for (key_id,) in rows]
        self._in_force.remove([(workspace, owner) for owner in owners])
        self._secrets.remove(key_ids)
        return key_ids

    def forget(self) -> None:
        self._in_force.clear()
        self._secrets.clear()

    def close(self) -> None:
        self._connections.close()

    def _load_or_make_keys(self, workspace: str, owners: list[str]) -> dict[str, DataKey]:
        key_ids = [secrets.token_urlsafe(KEY_ID_BYTES) for _ in owners]
        drafts = [
            wrap(
                self._master_key,
                os.urandom(SECRET_BYTES),
                bound_to=data_key(workspace, owner, key_id),
            )
            for owner, key_id in zip(owners, key_ids, strict=True)
        ]
        wanted = {
            "workspace": workspace,
            "owners": owners,
            "key_ids": key_ids,
            "wrapped": drafts,
            "master": self._master,
        }
        with self._connections.cursor() as cursor:
            rows = cursor.execute(KEYS_IN_FORCE, wanted).fetchall()
        return {
            owner: DataKey(
                key_id,
                unwrap(self._master_key, wrapped, bound_to=data_key(workspace, owner, key_id)),
            )
            for owner, key_id, wrapped in rows
        }

    def _load_or_make_hash_key(self) -> bytes:
        draft = wrap(self._master_key, os.urandom(SECRET_BYTES), bound_to=HASH_KEY)
        with self._connections.cursor() as cursor:
            cursor.execute(ADD_HASH_KEY, [HASH_KEY, draft, self._master])
            row = cursor.execute(READ_HASH_KEY, [HASH_KEY]).fetchone()
        if row is None:
            raise Unavailable("the vault's hash key was removed while it was read")
        return unwrap(self._master_key, row[0], bound_to=HASH_KEY)

    def _check_master(self) -> None:
        with self._connections.cursor() as cursor:
            row = cursor.execute(READ_HASH_KEY, [HASH_KEY]).fetchone()
        if row is None or row[1] != self._master:
            raise wrong_master_key()
