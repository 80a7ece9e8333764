"""The seen port as a log-structured index in PostgreSQL: young ids in a table, all others in runs.

A small batch writes its ids as rows of a table where they are unique; a large one, or whoever finds
that table full, writes a run. What was looked up without a lock is looked up once more where runs
came meanwhile, under a lock that is held until the commit, and that those who write rows share.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from services.store.connect import Hashes
from services.store.merging import SMALLEST, Merging
from services.store.postgres_seen import Learned, PostgresSeen, collided
from services.store.seen import Seen
from services.store.seen_pages import entries_in, entries_of
from services.store.segments import Segments
from services.store.statements import KNOWN

_ALONE: Final = """
    SELECT pg_advisory_xact_lock(7102038::bigint << 32 | 'seen_head'::regclass::oid::bigint)
"""
_TOGETHER: Final = _ALONE.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")
_HAS_YOUNG: Final = "SELECT EXISTS (SELECT FROM seen_young)"
_TAKE_YOUNG: Final = """
    DELETE FROM seen_young WHERE ctid = ANY (ARRAY (SELECT ctid FROM seen_young LIMIT %s))
    RETURNING uuid_send(id_hash) || uuid_send(digest) || int2send(partition) || int8send("offset")
"""
LARGE: Final = SMALLEST
"""Ids of a batch that are a run at once."""
YOUNG: Final = 4 * SMALLEST
"""Rows that wait in the table; that many become a run."""
MOST_YOUNG: Final = 8 * YOUNG
"""Rows that leave it at a time: a table from before there were runs may have any number."""


class SegmentedSeen:
    """Asks and writes inside the transaction of its connection, which ``finish`` has to end."""

    def __init__(
        self,
        connection: psycopg.Connection[TupleRow],
        cursor: Cursor[TupleRow],
        learned: Learned,
        segments: Segments,
    ) -> None:
        self._cursor, self._segments = cursor, segments
        self._young = PostgresSeen(connection, cursor, learned)
        self._new: dict[str, Seen] = {}
        """What this transaction took in."""
        self._unwritten: dict[str, Seen] = {}
        """What of it is no row yet."""
        self._changed: set[int] = set()
        """Runs that ids came to since these were looked up."""

    def drop_known(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """As the port says."""
        self._catch_up()
        asked = {row.id_hash: row for row in reversed(rows) if row.id_hash not in self._new}
        found = self._segments.find(self._cursor, [*asked], self._segments.runs)
        fresh = [row for id_hash, row in asked.items() if id_hash not in found]
        if len(fresh) >= LARGE:
            found |= self._among_young(asked)
            self._unwritten |= {row.id_hash: row for row in fresh if row.id_hash not in found}
        else:
            taken = self._young.drop_known(fresh)
            found |= {fresh[index].id_hash: stands for index, stands in taken.items()}
        known = {}
        for index, row in enumerate(rows):
            stands = found.get(row.id_hash) or self._new.get(row.id_hash)
            if stands is None:
                self._new[row.id_hash] = row
            else:
                known[index] = stands
        return known

    def finish(self) -> None:
        """Write what was taken in, right before the commit; nothing is asked or written after it.

        Raises ``Unavailable`` where another worker took in one of the ids first.
        """
        if not self._new:
            return
        segments = self._segments
        segments.young += len(self._new) - len(self._unwritten)
        writes_run = bool(self._unwritten) or segments.young >= YOUNG
        self._cursor.execute(_ALONE if writes_run else _TOGETHER)
        self._catch_up()
        if segments.find(self._cursor, [*self._new], self._changed & segments.runs.keys()):
            raise collided()
        if writes_run:
            self._write_run()

    def _write_run(self) -> None:
        if self._among_young(self._unwritten):
            raise collided()
        young = [row for (row,) in self._cursor.execute(_TAKE_YOUNG, (MOST_YOUNG,), prepare=True)]
        ours = entries_of([*self._unwritten.values()]).tobytes()
        Merging(self._cursor, self._segments).take_in(entries_in([*young, ours]))
        if len(young) < MOST_YOUNG:
            self._segments.young = 0

    def _catch_up(self) -> None:
        changed = self._segments.catch_up(self._cursor)
        if self._new:
            self._changed.update(changed)

    def _among_young(self, id_hashes: Iterable[str]) -> dict[str, Seen]:
        """Those of ``id_hashes`` that are rows; mostly there are none, which is asked first."""
        if not self._cursor.execute(_HAS_YOUNG, prepare=True).fetchall()[0][0]:
            return {}
        answer = self._cursor.execute(KNOWN, (Hashes([*id_hashes]),), prepare=True)
        return {row[0]: Seen._make(row) for row in answer}
