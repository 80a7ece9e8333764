"""A lock that one process holds for as long as its connection lasts."""

from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection

TICKER: Final = 7_102_029
"""The advisory lock of whoever tells the log the time."""
FOLDER: Final = 7_102_030
"""The advisory lock of the one process that folds; others stand by."""
_TAKE: Final = "SELECT pg_try_advisory_lock(%s)"


class PostgresLock:
    """An advisory lock of a session: a holder that dies gives it back."""

    def __init__(self, url: str, number: int) -> None:
        self._url, self._number = url, number
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._has = False

    def is_ours(self) -> bool:
        """Whether we hold it; raises ``Unavailable``."""
        try:
            if self._connection is None or is_lost(self._connection):
                self.close()
                self._connection = open_connection(self._url, "lock")
            if not self._has:
                self._has = self._connection.execute(_TAKE, (self._number,)).fetchone() == (True,)
        except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
            self.close()
            raise Unavailable(f"the lock can't be asked for: {cause}") from cause
        return self._has

    def close(self) -> None:
        """Give it back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._has = False
