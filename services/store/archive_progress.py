"""How far the archive was fed, in PostgreSQL, beside what the projector applied and left out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, LiteralString

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from services.errors import NotOurs, Unavailable
from services.store.connect import is_lost, open_connection
from services.store.lock import ARCHIVER

_CHECKPOINTS: Final = "SELECT partition, next_offset FROM checkpoint"
_SKIPPED: Final = 'SELECT "offset" FROM skipped WHERE partition = %s AND "offset" BETWEEN %s AND %s'
_EPOCH: Final = "SELECT epoch FROM touchline.archive_epoch"
_ARCHIVED: Final = "SELECT partition, next_offset FROM touchline.archive_progress"
_EXPECTED: Final = """
    SELECT p.partition, p.next_offset - count(s."offset")
    FROM touchline.archive_progress p
    LEFT JOIN skipped s ON s.partition = p.partition AND s."offset" < p.next_offset
    GROUP BY p.partition, p.next_offset
"""
_PENDING: Final = """
    SELECT partition, pending_first, pending_last
    FROM touchline.archive_progress WHERE pending_first IS NOT NULL
"""
_PLAN: Final = """
    INSERT INTO touchline.archive_progress AS old
        (partition, next_offset, pending_first, pending_last)
    SELECT partition, first, first, last
    FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[]) AS new (partition, first, last)
    ON CONFLICT (partition) DO UPDATE
    SET pending_first = excluded.pending_first, pending_last = excluded.pending_last
    WHERE old.pending_first IS NULL AND old.next_offset = excluded.next_offset
"""
_DONE: Final = """
    UPDATE touchline.archive_progress
    SET next_offset = pending_last + 1, pending_first = NULL, pending_last = NULL
    WHERE pending_first IS NOT NULL
"""
_FORGET: Final = "DELETE FROM touchline.archive_progress"
_REMEMBER: Final = """
    INSERT INTO touchline.archive_epoch (epoch) VALUES (%s)
    ON CONFLICT (is_only) DO UPDATE SET epoch = excluded.epoch
"""


class PostgresProgress:
    """Whoever uses it first holds it, until ``close`` or until its connection breaks.

    Every method raises ``Unavailable``, and ``NotOurs`` while another process holds it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[TupleRow] | None = None

    def checkpoints(self) -> Mapping[int, int]:
        return dict(self._all(_CHECKPOINTS))

    def skipped(self, partition: int, first: int, last: int) -> set[int]:
        return {offset for (offset,) in self._all(_SKIPPED, partition, first, last)}

    def epoch(self) -> str:
        return next((str(epoch) for (epoch,) in self._all(_EPOCH)), "")

    def archived(self) -> Mapping[int, int]:
        return dict(self._all(_ARCHIVED))

    def expected(self) -> Mapping[int, int]:
        return dict(self._all(_EXPECTED))

    def pending(self) -> Mapping[int, tuple[int, int]]:
        return {partition: (first, last) for partition, first, last in self._all(_PENDING)}

    def plan(self, ranges: Mapping[int, tuple[int, int]]) -> None:
        firsts, lasts = (
            [first for first, _ in ranges.values()],
            [last for _, last in ranges.values()],
        )
        with self._transaction() as cursor:
            cursor.execute(_PLAN, [list(ranges), firsts, lasts])
            if cursor.rowcount != len(ranges):
                raise NotOurs(
                    f"the archive was fed by somebody else: {dict(ranges)} does not follow"
                )

    def done(self) -> None:
        with self._transaction() as cursor:
            cursor.execute(_DONE)

    def reset(self, epoch: str) -> None:
        with self._transaction() as cursor:
            cursor.execute(_FORGET)
            cursor.execute(_REMEMBER, [epoch])

    def close(self) -> None:
        """Let another one feed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _all(self, query: LiteralString, *values: int) -> list[TupleRow]:
        with self._transaction() as cursor:
            return cursor.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[Cursor[TupleRow]]:
        try:
            connection = self._held()
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor
        except psycopg.Error as cause:
            self.close()
            raise Unavailable(f"the store did not answer the archive's feed: {cause}") from cause

    def _held(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or is_lost(self._connection):
            self.close()
            self._connection = open_connection(self._url, "archive")
            held = self._connection.execute(
                "SELECT pg_try_advisory_lock(%s)", [ARCHIVER]
            ).fetchone()
            if held != (True,):
                self.close()
                raise NotOurs("another process feeds the archive")
        return self._connection
