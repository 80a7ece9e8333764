"""Snapshots of the rows in PostgreSQL, to be compared."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import blake2b
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from services.errors import Unavailable
from services.store.comparison import Digest
from services.store.connect import open_connection

COMPARED: Final[Mapping[str, int]] = {
    "identifier": 1,
    "edge": 3,
    "edge_again": 6,
    "split": 4,
    "purchase_order": 1,
    "profile": 1,
    "customer": 1,
    "control": 1,
    "rule": 6,
    "ledger": 4,
    "activity": 1,
    "lifecycle": 1,
    "loyalty": 1,
}
"""Every table whose rows are a function of the log → how many leading columns are their key."""
COURSES: Final = ("lifecycle", "loyalty")
"""Those of them whose rows time changes."""


class PostgresSnapshot:
    """The rows of one schema, in one transaction."""

    tables: Final = COMPARED

    def __init__(self, connection: Connection[Any], schema: str) -> None:
        self._connection, self._schema = connection, schema

    def checkpoints(self) -> Mapping[int, int]:
        """As the port says."""
        query = sql.SQL("SELECT partition, next_offset FROM {}.checkpoint").format(
            sql.Identifier(self._schema)
        )
        return dict(self._connection.execute(query).fetchall())

    def is_settled(self) -> bool:
        """Whether no row waits: for the end of a backlog, or for what the last tick does to it.

        After a tick, say, and before that they are right for the minute before, and no replay gives
        those.
        """
        schema = self._schema
        waiting = [sql.SQL("SELECT FROM {}").format(sql.Identifier(schema, "unsettled"))]
        waiting += [
            sql.SQL("SELECT FROM {} AS course, {} WHERE due_at <= tick").format(
                sql.Identifier(schema, course), sql.Identifier(schema, "control")
            )
            for course in COURSES
        ]
        query = sql.SQL("SELECT EXISTS ({})").format(sql.SQL(" UNION ALL ").join(waiting))
        return self._connection.execute(query).fetchone() == (False,)

    def digest(self, table: str) -> Digest:
        """As the port says."""
        digest, rows = blake2b(digest_size=16), 0
        for row in self.rows(table):
            digest.update(row)
            rows += 1
        return Digest(table, digest.hexdigest(), rows)

    def rows(self, table: str) -> Iterator[bytes]:
        """As the port says."""
        query = sql.SQL("COPY (SELECT * FROM {}.{} ORDER BY {}) TO STDOUT").format(
            sql.Identifier(self._schema),
            sql.Identifier(table),
            sql.SQL(", ").join(sql.Literal(column + 1) for column in range(COMPARED[table])),
        )
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            for row in copy:
                yield bytes(row)


@contextmanager
def snapshot(url: str, schema: str) -> Iterator[PostgresSnapshot]:
    """One state of ``schema``, for as long as the block lasts; raises ``Unavailable``."""
    try:
        with closing(open_connection(url, "verify")) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("SELECT")  # the first query decides which state is seen
            yield PostgresSnapshot(connection, schema)
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the rows can't be compared: {cause}") from cause
