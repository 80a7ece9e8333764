"""How far each file or sample was loaded, in PostgreSQL; only the loader reads a state."""

import psycopg

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection


class PostgresImportState:
    """The states of one workspace, on a connection of its own; lost, it is opened again."""

    def __init__(self, url: str, workspace: str) -> None:
        self._url = url
        self._workspace = workspace
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def find(self, name: str) -> bytes | None:
        """The state last kept under ``name``; raises ``Unavailable``."""
        row = self._execute(
            b"SELECT state FROM touchline.import_state WHERE workspace = %s AND name = %s",
            (self._workspace, name),
        ).fetchone()
        state = row[0] if row else None
        return state if isinstance(state, bytes) else None

    def keep(self, name: str, state: bytes) -> None:
        """Keep ``state`` durably in place of the one before; raises ``Unavailable``."""
        self._execute(
            b"INSERT INTO touchline.import_state (workspace, name, state) VALUES (%s, %s, %s)"
            b" ON CONFLICT (workspace, name)"
            b" DO UPDATE SET state = excluded.state, changed_at = now()",
            (self._workspace, name, state),
        )

    def close(self) -> None:
        """Give the connection back."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _execute(
        self, query: bytes, parameters: tuple[object, ...]
    ) -> psycopg.Cursor[tuple[object, ...]]:
        try:
            if self._connection is None or is_lost(self._connection):
                self.close()
                self._connection = open_connection(self._url, "import")
            return self._connection.execute(query, parameters)
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self.close()
            raise Unavailable(f"the state of the import can't be reached: {cause}") from cause
