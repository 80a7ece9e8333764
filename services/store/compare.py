"""Comparing two sets of folded rows: a digest a table, and the first row that differs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import psycopg
from psycopg import Connection, sql

from services.errors import Unavailable
from services.store.connect import open_connection

COMPARED: Final[Mapping[str, Sequence[str]]] = {
    "identifier": ("identifier",),
    "edge": ("a", "b", "is_merge"),
    "edge_again": ("a", "b", "is_merge", "occurred_at", "source", "id"),
    "split": ("workspace", "source", "id"),
    "purchase_order": ("order_key",),
    "profile": ("leaf",),
    "customer": ("customer_id",),
}
"""Every table whose rows are a function of the log, with what orders them."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A table's rows in one number."""

    name: str
    digest: str
    rows: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row, by the table's order, that one side has and the other has not, or has otherwise."""

    table: str
    live: str | None
    replayed: str | None

    @property
    def key(self) -> str:
        """The row's first column."""
        return (self.live or self.replayed or "").split("\t")[0].replace("-", "")


class Snapshot:
    """The rows of one schema as they were when it was taken."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection, self._schema = connection, schema

    def checkpoints(self) -> Mapping[int, int]:
        """How far the rows have come."""
        query = sql.SQL("SELECT partition, next_offset FROM {}.checkpoint").format(
            sql.Identifier(self._schema)
        )
        return dict(self._connection.execute(query).fetchall())

    def digest(self, table: str) -> Digest:
        """The digest of a table's rows in order."""
        digest, rows = blake2b(digest_size=16), 0
        for row in self.rows(table):
            digest.update(row)
            rows += 1
        return Digest(table, digest.hexdigest(), rows)

    def rows(self, table: str) -> Iterator[bytes]:
        """The rows in order, as lines of text."""
        query = sql.SQL("COPY (SELECT * FROM {}.{} ORDER BY {}) TO STDOUT").format(
            sql.Identifier(self._schema),
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, COMPARED[table])),
        )
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            for row in copy:
                yield bytes(row)


@contextmanager
def snapshot(url: str, schema: str) -> Iterator[Snapshot]:
    """One state of ``schema``, however long it is looked at; raises ``Unavailable``."""
    try:
        connection = open_connection(url, "verify")
        try:
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                connection.execute("SET LOCAL statement_timeout = 0")
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                yield Snapshot(connection, schema)
        finally:
            connection.close()
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the rows can't be compared: {cause}") from cause


def first_difference(live: Snapshot, replayed: Snapshot, table: str) -> Difference:
    """The first row that differs between two snapshots whose digests of ``table`` differ."""
    ours, theirs = live.rows(table), replayed.rows(table)
    while True:
        one, other = next(ours, None), next(theirs, None)
        if one != other:
            return Difference(table, _line(one), _line(other))


def _line(row: bytes | None) -> str | None:
    return row.decode().rstrip("\n") if row is not None else None
