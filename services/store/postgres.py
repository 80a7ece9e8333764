"""The store in PostgreSQL: one connection, one transaction a batch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from schemas.envelope import Rank
from services.errors import NotOurs, Unavailable
from services.store.connect import is_lost, open_connection
from services.store.port import Changes, EdgeRow, Identifier, OrderRow, Seen, SplitRow
from services.store.rows import copy_in, upsert
from services.store.statements import (
    CLAIM,
    COUNT,
    EDGES_AT,
    EDGES_BETWEEN,
    IDENTIFIERS,
    JOINED_AT,
    KNOWN,
    MEMBERS,
    MERGES_AT,
    NAMINGS_AT,
    OPEN_CHECKPOINTS,
    ORDERS,
    QUARANTINED,
    SPLITS_AT,
    TABLES,
    WRITE_LETTERS,
)

_RETRIED: Final = (psycopg.OperationalError, psycopg.InterfaceError)


class PostgresStore:
    """Rows in the schema that the connection's search path leads to; ``schema`` names a shadow to fold into."""

    def __init__(self, url: str, *, schema: str | None = None) -> None:
        self._url, self._schema = url, schema
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._state = _State()

    @contextmanager
    def transaction(self) -> Iterator["PostgresTransaction"]:
        """As the port says."""
        try:
            connection = self._open()
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                yield PostgresTransaction(connection, cursor, self._state)
        except _RETRIED as cause:
            self.close()
            raise Unavailable(f"the database did not take the batch: {cause}") from cause
        except psycopg.errors.UniqueViolation as cause:
            raise Unavailable(f"another worker wrote the same row first: {cause}") from cause

    def checkpoints(self) -> Mapping[int, int]:
        """As the port says."""
        with self.transaction() as transaction:
            return transaction.checkpoints()

    def close(self) -> None:
        """Give the connection back; it is opened again when needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or is_lost(self._connection):
            self.close()
            self._connection = open_connection(self._url, "fold", schema=self._schema)
        return self._connection


@dataclass(slots=True)
class _State:
    """What one batch learns for the next."""

    repetitions: int = 0
    """Of known ids, when they were last looked up."""


class PostgresTransaction:
    """Asks and writes inside one transaction."""

    def __init__(
        self, connection: psycopg.Connection[TupleRow], cursor: Cursor[TupleRow], state: "_State"
    ) -> None:
        self._connection, self._cursor, self._state = connection, cursor, state
        self._found: dict[str, set[str]] = {}
        """Table → the keys that were read from it: rows that are there already."""

    def checkpoints(self) -> Mapping[int, int]:
        """Every partition's next offset."""
        rows = self._rows("SELECT partition, next_offset FROM checkpoint", ())
        return {partition: offset for partition, offset in rows}

    def claim(self, expected: Mapping[int, int]) -> None:
        """As the port says; a partition that was never read begins at 0."""
        partitions = sorted(expected)
        self._cursor.execute(OPEN_CHECKPOINTS, (partitions,))
        found = dict(self._rows(CLAIM, (partitions,)))
        for partition in partitions:
            if found[partition] != expected[partition]:
                msg = f"partition {partition} is at {found[partition]}, not {expected[partition]}"
                raise NotOurs(msg)

    def drop_known(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """As the port says.

        Where the batches before had no repetitions the rows are taken in at once, and asked about only if that
        fails: looking up first costs a third more. Where repetitions come, a failed COPY would cost more still.
        """
        if not self._state.repetitions and self._take_in(rows):
            return {}
        found = [
            Seen._make(row) for row in self._rows(KNOWN, (_hashes(row.id_hash for row in rows),))
        ]
        self._state.repetitions = len(found)
        known = {seen.id_hash: seen for seen in found}
        copy_in(self._cursor, TABLES["seen"], [row for row in rows if row.id_hash not in known])
        return {index: known[row.id_hash] for index, row in enumerate(rows) if row.id_hash in known}

    def _take_in(self, rows: Sequence[Seen]) -> bool:
        try:
            with self._connection.transaction():
                copy_in(self._cursor, TABLES["seen"], rows)
        except psycopg.errors.UniqueViolation:
            return False
        return True

    def conflicted(self, id_hashes: Collection[str]) -> Collection[tuple[str, str]]:
        """As the port says; conflicts are few, so all are read rather than looked up id by id."""
        wanted = set(id_hashes)
        rows = self._rows("SELECT id_hash, digest FROM conflicted", ())
        return {(id_hash, digest) for id_hash, digest in rows if id_hash in wanted}

    def quarantined(self, partitions: Collection[int]) -> Collection[tuple[int, int]]:
        """As the port says."""
        return {
            (partition, offset)
            for partition, offset in self._rows(QUARANTINED, (list(partitions),))
        }

    def identifiers(self, hashes: Collection[str]) -> Mapping[str, Identifier]:
        """As the port says."""
        return {
            row[0]: Identifier._make(row) for row in self._rows(IDENTIFIERS, (_hashes(hashes),))
        }

    def members(self, customer_ids: Collection[str]) -> Sequence[Identifier]:
        """As the port says."""
        return [Identifier._make(row) for row in self._rows(MEMBERS, (_hashes(customer_ids),))]

    def edges_between(self, pairs: Collection[tuple[str, str, bool]]) -> Sequence[EdgeRow]:
        """As the port says."""
        a, b, is_merge = zip(*pairs, strict=True)
        columns = (_hashes(a), _hashes(b), _hashes("t" if merge else "f" for merge in is_merge))
        return list(map(_edge, self._rows(EDGES_BETWEEN, columns)))

    def edges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        return list(map(_edge, self._rows(EDGES_AT, (_hashes(hashes), _hashes(hashes)))))

    def merges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        return list(map(_edge, self._rows(MERGES_AT, (_hashes(hashes), _hashes(hashes)))))

    def joined_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        return list(map(_edge, self._rows(JOINED_AT, (_hashes(hashes),))))

    def namings_at(self, hashes: Collection[str]) -> Sequence[tuple[str, str, bool, Rank]]:
        """As the port says."""
        return [
            (a, b, merge, tuple(rank))
            for a, b, merge, *rank in self._rows(NAMINGS_AT, (_hashes(hashes),))
        ]

    def has_splits(self) -> bool:
        """As the port says."""
        return bool(self._rows("SELECT EXISTS (SELECT FROM split)", ())[0][0])

    def splits_at(self, hashes: Collection[str]) -> Sequence[SplitRow]:
        """As the port says."""
        return [
            SplitRow(workspace, (at, source, id_), tuple(one), tuple(other))
            for workspace, at, source, id_, one, other in self._rows(SPLITS_AT, (_hashes(hashes),))
        ]

    def orders(self, order_keys: Collection[str]) -> Mapping[str, OrderRow]:
        """As the port says."""
        found = {row[0]: OrderRow._make(row) for row in self._rows(ORDERS, (_hashes(order_keys),))}
        self._found["purchase_order"] = set(found)
        return found

    def facts(self, projection: str, leaves: Collection[str]) -> Mapping[str, bytes]:
        """As the port says."""
        query = sql.SQL(
            "SELECT encode(uuid_send(leaf), 'hex'), facts FROM {} WHERE leaf = ANY(string_to_array(%s, ',')::uuid[])"
        )
        self._cursor.execute(query.format(sql.Identifier(projection)), (_hashes(leaves),))
        found = dict(self._cursor.fetchall())
        self._found[projection] = set(found)
        return found

    def save(self, changes: Changes) -> None:
        """As the port says."""
        upsert(self._cursor, TABLES["identifier"], list(changes.identifiers.values()))
        edges = [
            (*row.pair, row.workspace, *row.rank, row.is_refused) for row in changes.edges.values()
        ]
        upsert(self._cursor, TABLES["edge"], edges)
        copy_in(
            self._cursor, TABLES["edge_again"], [(*pair, *rank) for *pair, rank in changes.namings]
        )
        copy_in(
            self._cursor,
            TABLES["split"],
            [(row.workspace, *row.rank, row.one, row.other) for row in changes.splits],
        )
        self._write("purchase_order", list(changes.orders.values()))
        for projection, facts in changes.facts.items():
            self._write(projection, [(leaf, *row) for leaf, row in facts.items()])
        for view, rows in changes.views.items():
            upsert(self._cursor, TABLES[view], [(customer, *row) for customer, row in rows.items()])
            self._delete(view, changes.gone)
        copy_in(self._cursor, TABLES["skipped"], changes.skipped)
        upsert(self._cursor, TABLES["conflicted"], list(changes.conflicted))
        upsert(self._cursor, TABLES["quarantined"], list(changes.quarantined))
        copy_in(self._cursor, TABLES["outbox"], changes.outbox)
        if changes.letters:
            self._cursor.executemany(WRITE_LETTERS, changes.letters)
        self._count(changes)

    def _count(self, changes: Changes) -> None:
        counts = [(*key, *tally) for key, tally in sorted(changes.tallies.items())]
        if counts:
            self._cursor.execute(COUNT, [list(column) for column in zip(*counts, strict=True)])

    def _write(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Rows that were not there when read go in by COPY; a row another worker put there since is an error."""
        spec, found = TABLES[table], self._found.get(table, set())
        copy_in(self._cursor, spec, [row for row in rows if row[0] not in found])
        upsert(self._cursor, spec, [row for row in rows if row[0] in found])

    def _delete(self, view: str, customers: Collection[str]) -> None:
        if customers:
            query = sql.SQL(
                "DELETE FROM {} WHERE customer_id = ANY(string_to_array(%s, ',')::uuid[])"
            )
            self._cursor.execute(query.format(sql.Identifier(view)), (_hashes(customers),))

    def _rows(self, query: LiteralString, parameters: Sequence[Any]) -> list[TupleRow]:
        return self._cursor.execute(query, parameters).fetchall()


def _edge(row: TupleRow) -> EdgeRow:
    a, b, is_merge, workspace, at, source, id_, is_refused = row
    return EdgeRow(a, b, is_merge, workspace, (at, source, id_), is_refused)


def _hashes(hashes: Iterable[str]) -> str:
    """One text for an array: psycopg would build an array in Python, value by value."""
    return ",".join(hashes)
