"""The outbox in PostgreSQL, for the relay."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection

WAITING: Final = """
    SELECT outbox_id, workspace, event FROM (
        (SELECT *, false AS may_wait FROM touchline.outbox
         WHERE position('"type":"alert.'::bytea IN event) > 0 ORDER BY outbox_id LIMIT %(most)s)
        UNION ALL
        (SELECT *, true FROM touchline.outbox
         WHERE position('"type":"alert.'::bytea IN event) = 0 ORDER BY outbox_id LIMIT %(most)s)
    ) AS lanes
    ORDER BY may_wait, outbox_id LIMIT %(most)s
"""
ALERTS: Final = """
    SELECT outbox_id, workspace, event FROM touchline.outbox
    WHERE position('"type":"alert.'::bytea IN event) > 0 ORDER BY outbox_id LIMIT %(most)s
"""
"""The condition is that of the index ``outbox_alerts``."""
DONE: Final = """
    DELETE FROM touchline.outbox WHERE outbox_id = ANY(%s) RETURNING outbox_id
"""
DEPTH: Final = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8
    FROM touchline.outbox WHERE %s
"""
RELAYED: Final = """
    SELECT coalesce(pg_sequence_last_value('touchline.outbox_outbox_id_seq'), 0)
        - (SELECT count(*) FROM touchline.outbox)
    WHERE %s
"""
"""Rows that were given a number less those that wait: what a failed transaction numbered counts
too, so it is told by how it grows."""
IN_ORDER: Final = "SET enable_seqscan = off"
"""Statistics of a table that was empty a moment ago let it be read whole, and sorted, for each few
rows of tens of thousands."""
HOLD: Final = """
    SELECT set_config('idle_session_timeout', '10s', false), pg_advisory_lock(%s)
"""
"""Who is stopped while it holds it loses it, so that others go on."""
LET_GO: Final = """
    SELECT pg_advisory_unlock(%s), set_config('idle_session_timeout', '0', false)
"""
MOVING: Final = 7_102_036
"""Held while rows are on their way: in the log already, and still here."""


class PostgresOutbox:
    """One connection for all threads, which wait for each other; lost, it is opened again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._lock = threading.RLock()

    def waiting(self, limit: int) -> Sequence[tuple[int, str, bytes]]:
        """Alerts, then the oldest rows: number, workspace, event as posted.

        Raises ``Unavailable``.
        """
        return self._rows(WAITING, {"most": limit})

    def alerts(self, limit: int) -> Sequence[tuple[int, str, bytes]]:
        """The oldest that are about alerts; raises ``Unavailable``."""
        return self._rows(ALERTS, {"most": limit})

    def done(self, numbers: Sequence[int]) -> None:
        """These are in the log; raises ``Unavailable``."""
        self._rows(DONE, ([*numbers],))

    def depth(self) -> tuple[int, float]:
        """How many rows wait, and for how many seconds the oldest does; raises ``Unavailable``."""
        rows, oldest_s = self._rows(DEPTH, ("true",))[0]
        return rows, oldest_s

    @contextmanager
    def moving(self) -> Iterator[None]:
        """One at a time, here or elsewhere, for the block; raises ``Unavailable``."""
        with self._lock:
            self._rows(HOLD, (MOVING,))
            try:
                yield
            finally:
                # With a connection that is lost the lock is gone too.
                if self._connection and not is_lost(self._connection):
                    self._rows(LET_GO, (MOVING,))

    def relayed(self) -> int:
        """How many rows were ever appended, at most, inside ``moving``; raises ``Unavailable``."""
        return int(self._rows(RELAYED, ("true",))[0][0])

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection:
                self._connection.close()
                self._connection = None

    def _rows(
        self, query: LiteralString, parameters: Mapping[str, object] | tuple[object, ...]
    ) -> list[Any]:
        with self._lock:
            try:
                if self._connection is None or is_lost(self._connection):
                    self.close()
                    self._connection = open_connection(self._url, "relay")
                    self._connection.execute(IN_ORDER)
                return self._connection.execute(query, parameters).fetchall()
            except (psycopg.OperationalError, psycopg.InterfaceError) as cause:
                self.close()
                raise Unavailable(f"the outbox can't be read: {cause}") from cause
