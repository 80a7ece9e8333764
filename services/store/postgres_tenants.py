"""Workspaces and keys in PostgreSQL."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Conflict, Misconfigured, NotFound, Unavailable
from services.store.connect import is_lost, open_connection
from services.store.tenants import FoundKey, KeyRow, WorkspaceRow

_FIND: Final = (
    "SELECT key_id, workspace, kind, region, time_zone, currency FROM touchline.find_key(%s)"
)
_FIND_BY_ID: Final = (
    "SELECT key_id, workspace, kind, region, time_zone, currency"
    " FROM touchline.api_key JOIN touchline.workspace USING (workspace)"
    " WHERE key_id = %s AND coalesce(expires_at > now(), true)"
    " AND coalesce(revoked_at > now(), true)"
)
_INSERT_KEY: Final = (
    "INSERT INTO touchline.api_key"
    " (key_id, key_hash, workspace, kind, name, created_at, expires_at, revoked_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
_KEYS: Final = (
    "SELECT key_id, workspace, kind, name, created_at, expires_at, revoked_at"
    " FROM touchline.api_key WHERE workspace = coalesce(%s, workspace)"
    " ORDER BY workspace, created_at, key_id"
)
_REVOKE_KEY: Final = (
    "UPDATE touchline.api_key SET revoked_at = least(revoked_at, %s)"
    " WHERE key_id = %s AND workspace = coalesce(%s, workspace)"
    " RETURNING key_id, workspace, kind, name, created_at, expires_at, revoked_at"
)
_INSERT_WORKSPACE: Final = (
    "INSERT INTO touchline.workspace (workspace, name, time_zone, currency, region, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING workspace"
)
_WORKSPACES: Final = (
    "SELECT workspace, name, time_zone, currency, region, created_at"
    " FROM touchline.workspace ORDER BY workspace"
)
_OUTBOX: Final = "INSERT INTO touchline.outbox (workspace, event) VALUES (%s, %s)"


class PostgresTenants:
    """One connection for all threads, which wait for each other; lost, it is opened again.

    As the role of queries, a call sees the workspace that it names and no other.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._lock = threading.Lock()

    def find(self, key_hash: bytes) -> FoundKey | None:
        with self._lock, self._converted():
            try:
                row = self._usable().execute(_FIND, (key_hash,)).fetchone()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                # A server that was restarted costs no caller an error.
                self._drop()
                row = self._usable().execute(_FIND, (key_hash,)).fetchone()
        return FoundKey(*row) if row else None

    def find_by_id(self, key_id: str) -> FoundKey | None:
        """The key of this id if it is in force; for a role that sees all workspaces."""
        with self._transaction(None) as connection:
            row = connection.execute(_FIND_BY_ID, (key_id,)).fetchone()
        return FoundKey(*row) if row else None

    def insert_key(self, row: KeyRow, key_hash: bytes) -> None:
        try:
            with self._transaction(row.workspace) as connection:
                connection.execute(_INSERT_KEY, (row.key_id, key_hash, *row[1:]))
        except psycopg.errors.ForeignKeyViolation as cause:
            raise NotFound(
                "there is no such workspace",
                "make it with touchline workspaces create",
                field="workspace",
                value=row.workspace,
            ) from cause

    def keys(self, workspace: str | None) -> Sequence[KeyRow]:
        with self._transaction(workspace) as connection:
            return [KeyRow(*row) for row in connection.execute(_KEYS, (workspace,)).fetchall()]

    def revoke_key(self, key_id: str, at: datetime, *, workspace: str | None = None) -> KeyRow:
        with self._transaction(workspace) as connection:
            row = connection.execute(_REVOKE_KEY, (at, key_id, workspace)).fetchone()
        if row is None:
            raise NotFound(
                "there is no such key", "see touchline keys list", field="key_id", value=key_id
            )
        return KeyRow(*row)

    def insert_workspace(self, row: WorkspaceRow, events: Sequence[bytes]) -> None:
        with self._transaction(row.workspace) as connection:
            if connection.execute(_INSERT_WORKSPACE, row).fetchone() is None:
                raise Conflict(
                    "there is a workspace of this name already",
                    "choose another name",
                    field="workspace",
                    value=row.workspace,
                )
            for event in events:
                connection.execute(_OUTBOX, (row.workspace, event))

    def workspaces(self) -> Sequence[WorkspaceRow]:
        with self._transaction(None) as connection:
            return [WorkspaceRow(*row) for row in connection.execute(_WORKSPACES).fetchall()]

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._drop()

    @contextmanager
    def _transaction(self, workspace: str | None) -> Iterator[psycopg.Connection[TupleRow]]:
        setting = "SELECT set_config('touchline.workspace', %s, true)"
        with self._lock, self._converted():
            connection = self._usable()
            with connection.transaction():
                connection.execute(setting, (workspace or "",))
                yield connection

    @contextmanager
    def _converted(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self._drop()
            raise Unavailable(f"workspaces and keys can't be read: {cause}") from cause
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as cause:
            raise Misconfigured(
                f"the store's tables are missing ({cause}); run: touchline migrate"
            ) from cause

    def _usable(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or is_lost(self._connection):
            self._drop()
            self._connection = open_connection(self._url, "keys")
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
