"""A lock that one process holds for as long as its connection lasts."""

import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection

MIGRATOR: Final = 7_102_026
"""The advisory lock of whoever brings the database up to date."""
ARCHIVER: Final = 7_102_027
"""The same of the one process that feeds the archive; as all below, others stand by."""
TICKER: Final = 7_102_029
"""Of whoever tells the log the time."""
FOLDER: Final = 7_102_030
"""Of the one process that folds."""
RELAY: Final = 7_102_032
"""Of whoever brings the outbox to the log, so that it goes in order."""
DELIVERER: Final = 7_102_033
"""Of the one process that sends decisions."""
SCORER: Final = 7_102_034
"""Of the one process that scores."""
PUBLISHER: Final = 7_102_037
"""Of the one process that publishes decisions."""
ASK_S: Final = 0.5
"""Between two looks whether a lock is free, and whether what we hold is ours still."""
_TAKE: Final = "SELECT pg_try_advisory_lock(%s)"
_IDLE: Final = "SELECT set_config('idle_session_timeout', %s, false)"


class PostgresLock:
    """An advisory lock of a session: a holder that dies gives it back."""

    def __init__(self, url: str, number: int, *, within_s: int = 0) -> None:
        """Where the server hears nothing ``within_s``, unless that is 0, it gives the lock away."""
        self._url, self._number, self._within_s = url, number, within_s
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._has = False

    def is_ours(self, *, asks: bool = False) -> bool:
        """Whether we hold it; ``asks`` lets the server hear of us. Raises ``Unavailable``."""
        try:
            if self._connection is None or is_lost(self._connection):
                self.close()
                self._connection = open_connection(self._url, "lock")
                self._connection.execute(_IDLE, (f"{self._within_s}s",))
            if not self._has:
                self._has = self._connection.execute(_TAKE, (self._number,)).fetchone() == (True,)
            elif asks:
                self._connection.execute("SELECT")
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


class KeptLock:
    """One that goes to another process too where ours is stopped for longer than ``within_s``.

    The server ends a session that is silent for so long; so it is asked again and again, but not at
    each look.
    """

    def __init__(
        self, url: str, number: int, *, within_s: int, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = PostgresLock(url, number, within_s=within_s)
        self._now_s = now_s
        self._asked_s, self._was_ours = -ASK_S, False

    def is_ours(self) -> bool:
        """Whether we hold it, or held it half a second ago; raises ``Unavailable``."""
        if self._now_s() - self._asked_s >= ASK_S:
            self._was_ours = False
            self._asked_s, self._was_ours = self._now_s(), self._lock.is_ours(asks=True)
        return self._was_ours

    def close(self) -> None:
        """Give it back."""
        self._lock.close()
