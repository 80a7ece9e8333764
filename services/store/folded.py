"""Folded: who follows the folds hears of their commits, and need not ask again and again."""

from typing import Final

import psycopg
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import AWAY, open_connection

TELL: Final = "NOTIFY touchline_folded"
"""Said after a commit, by itself: as a part of it, it would make all commits that notify wait for
each other's writes to the disk, those of the log among them."""
_LISTEN: Final = "LISTEN touchline_folded"


class PostgresFolded:
    """One connection, which listens; of one thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[TupleRow] | None = None

    def wait(self, timeout_s: float) -> None:
        """Return once the folds committed since the last ``wait``, or after ``timeout_s``.

        The first returns at once. Raises ``Unavailable``.
        """
        try:
            # What it has to say is no good-bye, or ``wait`` fails and the next one connects anew.
            if self._connection is None or self._connection.closed:
                self._connection = open_connection(self._url, "folded")
                self._connection.execute(_LISTEN)
                return
            heard = [*self._connection.notifies(timeout=timeout_s, stop_after=1)]
            if heard:
                # The others that came meanwhile say the same.
                heard += self._connection.notifies(timeout=0)
        except AWAY as cause:
            self.close()
            raise Unavailable(f"the database can't be listened to: {cause}") from cause

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
