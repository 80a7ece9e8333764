"""The store in PostgreSQL: one connection, one transaction a batch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import Final, LiteralString

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from services.errors import NotOurs, Unavailable
from services.store import statements
from services.store.connect import AWAY, Hashes, is_lost, open_connection
from services.store.folded import TELL
from services.store.holds import Alone, Holds, MakeHolds
from services.store.port import (
    Changes,
    EdgeRow,
    Identifier,
    Naming,
    OrderRow,
    Pair,
    Row,
    SplitRow,
)
from services.store.postgres_courses import PostgresCourses
from services.store.postgres_seen import Learned
from services.store.postgres_segments import SegmentedSeen
from services.store.rows import FEW, Rows, insert, together, upsert
from services.store.seen import SeenIndex
from services.store.segments import Segments
from services.store.statements import TABLES

_GENERIC: Final = "SET plan_cache_mode = force_generic_plan"
"""Every statement finds rows by key. Planned for its values, each of thousands is looked at."""
PATIENCE_S: Final = 60
"""A batch is worked out between its statements: on a slow, busy machine the role's five seconds
are too few for ten thousand records, and then they would never be enough."""
_PATIENT: Final = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"


class PostgresStore:
    """Rows in the schema that the connection's search path leads to.

    ``schema`` names a shadow to fold into. ``holds`` says what its transactions wait for. A process
    that is stopped in the middle of one for longer than ``patience_s`` loses it.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str | None = None,
        holds: MakeHolds = Alone,
        patience_s: int = PATIENCE_S,
    ) -> None:
        self._url, self._schema = url, schema
        self._holds, self._patience_s = holds, patience_s
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._learned, self._segments = Learned(), Segments()

    @contextmanager
    def transaction(self) -> Iterator["PostgresTransaction"]:
        """As the port says."""
        try:
            connection = self._open()
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                seen = SegmentedSeen(connection, cursor, self._learned, self._segments)
                tx = PostgresTransaction(cursor, self._learned, self._holds(cursor), seen)
                yield tx
                seen.finish()
            self._learned.has_collided = False
            if tx.has_saved:
                # What was committed is, and who was not told finds it a moment later.
                with suppress(*AWAY):
                    connection.execute(TELL)
        except AWAY as cause:
            self.close()
            raise Unavailable(f"the database did not take the batch: {cause}") from cause
        except psycopg.errors.UniqueViolation as cause:
            self._learned.has_collided = True
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
            self._segments.forget()

    def _open(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or is_lost(self._connection):
            self.close()
            self._connection = open_connection(self._url, "fold", schema=self._schema)
            self._connection.execute(_GENERIC)
            self._connection.execute(_PATIENT, (f"{self._patience_s}s",))
        return self._connection


class PostgresTransaction:
    """Asks and writes inside one transaction."""

    def __init__(
        self, cursor: Cursor[TupleRow], learned: Learned, holds: Holds, seen: SeenIndex
    ) -> None:
        self._cursor, self._learned, self._holds = cursor, learned, holds
        self.seen = seen
        self.has_saved = False
        self.courses = PostgresCourses(cursor, holds)
        self._stored: dict[str, set[object]] = {}
        """Table → the keys that were read from it: rows that are there already."""

    def checkpoints(self) -> Mapping[int, int]:
        """Every partition's next offset."""
        return dict(self._rows(statements.CHECKPOINTS))

    def claim(self, expected: Mapping[int, int]) -> None:
        """As the port says; a partition that was never read begins at 0."""
        partitions = sorted(expected)
        self._holds.claim(partitions)
        found: dict[int, int] = dict(self._rows(statements.CLAIM, partitions))
        if len(found) < len(partitions):
            self._cursor.execute(statements.OPEN_CHECKPOINTS, (partitions,))
            found = dict(self._rows(statements.CLAIM, partitions))
        for partition in partitions:
            if found[partition] != expected[partition]:
                raise NotOurs(
                    f"partition {partition} is at {found[partition]}, not {expected[partition]}"
                )

    def conflicted(self, id_hashes: Collection[str]) -> Collection[tuple[str, str]]:
        """As the port says; most stores have none, which is asked first."""
        if not self._rows(statements.HAS_CONFLICTS)[0][0]:
            return set()
        rows = self._rows(statements.CONFLICTED, Hashes([*id_hashes]))
        return {(id_hash, digest) for id_hash, digest in rows}

    def quarantined(self, partitions: Collection[int]) -> Collection[tuple[int, int]]:
        """As the port says."""
        return {
            (partition, offset)
            for partition, offset in self._rows(statements.QUARANTINED, [*partitions])
        }

    def groups_of(self, hashes: Collection[str]) -> Mapping[str, Identifier]:
        """As the port says."""
        found = {row[0]: Identifier._make(row) for row in self._holds.groups_of(Hashes([*hashes]))}
        self._store("identifier", found)
        return found

    def edges_between(self, pairs: Collection[Pair]) -> Sequence[EdgeRow]:
        """As the port says."""
        wanted = {*pairs}
        ends = {(a, b) for a, b, _ in wanted}
        columns = (Hashes([a for a, _ in ends]), Hashes([b for _, b in ends]))
        return [
            row for row in self._edges(statements.EDGES_BETWEEN, *columns) if row.pair in wanted
        ]

    def edges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        ends = Hashes([*hashes])
        return self._edges(statements.EDGES_AT, ends, ends)

    def merges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        ends = Hashes([*hashes])
        return self._edges(statements.MERGES_AT, ends, ends)

    def joined_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        return self._edges(statements.JOINED_AT, Hashes([*hashes]))

    def namings_at(self, hashes: Collection[str]) -> Sequence[Naming]:
        """As the port says."""
        return [
            (a, b, is_merge, tuple(rank))
            for a, b, is_merge, *rank in self._rows(statements.NAMINGS_AT, Hashes([*hashes]))
        ]

    def has_splits(self) -> bool:
        """As the port says."""
        return bool(self._rows(statements.HAS_SPLITS)[0][0])

    def splits_at(self, hashes: Collection[str]) -> Sequence[SplitRow]:
        """As the port says."""
        return [
            SplitRow(workspace, (at, source, id_), tuple(one), tuple(other))
            for workspace, at, source, id_, one, other in self._rows(
                statements.SPLITS_AT, Hashes([*hashes])
            )
        ]

    def orders(self, order_keys: Collection[str]) -> Mapping[str, OrderRow]:
        """As the port says."""
        rows = self._holds.orders(Hashes([*order_keys]))
        found = {row[0]: OrderRow._make(row) for row in rows}
        self._store("purchase_order", found)
        return found

    def facts(self, projection: str, leaves: Collection[str]) -> Mapping[str, bytes]:
        """As the port says."""
        rows = self._rows(statements.facts_of(projection), Hashes([*leaves]))
        found = {leaf: facts for leaf, _, facts in rows}
        self._store(projection, found)
        return found

    def save(self, changes: Changes) -> None:
        """As the port says."""
        self.has_saved = True
        with together(self._cursor, is_small=changes.touches <= FEW and not changes.splits):
            self._save(changes)

    def _save(self, changes: Changes) -> None:
        self._write("identifier", changes.identifiers.values())
        self._write("edge", map(_flat, changes.edges.values()))
        self._insert("edge_again", [(a, b, merge, *rank) for a, b, merge, rank in changes.namings])
        self._insert("split", [(row[0], *row.rank, row.one, row.other) for row in changes.splits])
        self._write("purchase_order", changes.orders.values())
        for projection, facts in changes.facts.items():
            self._write(projection, [(leaf, *row) for leaf, row in facts.items()])
        self.courses.save(changes.course)
        for view, rows in changes.views.items():
            self._store(view, rows.keys() - changes.new_customers)
            self._write(view, [(customer, *row) for customer, row in rows.items()])
            if gone := changes.gone.get(view):
                self._cursor.execute(statements.delete_from(view), (Hashes([*gone]),))
        self._insert("skipped", changes.skipped)
        upsert(self._cursor, TABLES["conflicted"], list(changes.conflicted))
        upsert(self._cursor, TABLES["quarantined"], list(changes.quarantined))
        self._insert("outbox", changes.outbox)
        self._insert("regrouped", [(customer,) for customer in sorted(changes.regrouped)])
        if changes.letters:
            self._cursor.executemany(statements.WRITE_LETTERS, changes.letters)
        if changes.tallies:
            counts = [(*key, *tally) for key, tally in sorted(changes.tallies.items())]
            self._cursor.execute(
                statements.COUNT, [list(column) for column in zip(*counts, strict=True)]
            )

    def _store(self, table: str, keys: Iterable[object]) -> None:
        """Remember that these rows are there."""
        self._stored.setdefault(table, set()).update(keys)

    def _write(self, name: str, rows: Iterable[Row]) -> None:
        """Rows that were not there when asked for go straight in, all others are replaced."""
        table, stored = TABLES[name], self._stored.get(name, set())
        trusts = not (self._learned.has_collided and self._holds.may_replace)
        key = itemgetter(*range(table.keys))
        new: list[Row] = []
        others: list[Row] = []
        for row in rows:
            (new if trusts and key(row) not in stored else others).append(row)
        insert(self._cursor, table, new)
        upsert(self._cursor, table, others)

    def _insert(self, table: str, rows: Rows) -> None:
        insert(self._cursor, TABLES[table], rows)

    def _edges(self, query: LiteralString, *ends: Hashes) -> list[EdgeRow]:
        found = [
            EdgeRow(a, b, is_merge, workspace, (at, source, id_), is_refused)
            for a, b, is_merge, workspace, at, source, id_, is_refused in self._rows(query, *ends)
        ]
        self._store("edge", [edge.pair for edge in found])
        return found

    def _rows(self, query: LiteralString, *parameters: object) -> list[TupleRow]:
        return self._cursor.execute(query, parameters, prepare=True).fetchall()


def _flat(edge: EdgeRow) -> Row:
    return (*edge.pair, edge.workspace, *edge.rank, edge.is_refused)
