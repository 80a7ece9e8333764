"""Ends the transactions of workers that were stopped in the middle of sending rows.

PostgreSQL gives up a transaction that rests (``idle_in_transaction_session_timeout``), and not one
whose client is silent in the middle of a COPY or of a pipeline: its connection stands, and so do
its locks.
"""

from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection

SILENT_S: Final = 5
_END: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE datname = current_database() AND usename = session_user
      AND locktype = 'advisory' AND granted
      AND classid = 7102028 AND objid = 'checkpoint'::regclass
      AND state = 'active' AND wait_event = 'ClientRead'
      AND query_start < now() - make_interval(secs => %s)
"""


class PostgresStopped:
    """One connection; lost, it is opened again."""

    def __init__(self, url: str, *, silent_s: int = SILENT_S) -> None:
        self._url, self._silent_s = url, silent_s
        self._connection: psycopg.Connection[TupleRow] | None = None

    def end(self) -> int:
        """End them; gives how many there were. Raises ``Unavailable``."""
        try:
            if self._connection is None or is_lost(self._connection):
                self.close()
                self._connection = open_connection(self._url, "lookout")
            return len(self._connection.execute(_END, (self._silent_s,)).fetchall())
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self.close()
            raise Unavailable(f"stopped workers can't be looked for: {cause}") from cause

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
