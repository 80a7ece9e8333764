"""The seen port in PostgreSQL: ids are believed to be new, and looked up where they aren't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from services.errors import Unavailable
from services.store.connect import Hashes
from services.store.rows import FEW, insert, insert_new
from services.store.seen import Seen
from services.store.statements import KNOWN, TABLES


@dataclass(slots=True)
class Learned:
    """What one batch learns for the next; it only chooses between ways to the same rows."""

    repetitions: int = 0
    """Of known ids, when they were last looked up."""
    has_collided: bool = False
    """Somebody else wrote a row that was believed to be new: take nothing for new this time."""


class PostgresSeen:
    """Asks and writes inside the transaction of its connection."""

    def __init__(
        self, connection: psycopg.Connection[TupleRow], cursor: Cursor[TupleRow], learned: Learned
    ) -> None:
        self._connection, self._cursor, self._learned = connection, cursor, learned

    def drop_known(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """As the port says.

        Few are taken in where they are new, and the others are asked about. Many are taken in at
        once where the batches before had no repetitions, and asked about only if that fails:
        looking up first costs a third more. Where repetitions come, a failed COPY would cost more
        still.
        """
        if 0 < len(rows) <= FEW:
            return self._drop_few(rows)
        learned = self._learned
        if not (learned.repetitions or learned.has_collided) and self._take_in(rows):
            return {}
        found = self._look_up(rows)
        learned.repetitions = len(found)
        new: list[Seen] = []
        known: dict[int, Seen] = {}
        for index, row in enumerate(rows):
            stands = found.get(row.id_hash)
            if stands is None:
                found[row.id_hash] = row
                new.append(row)
            else:
                known[index] = stands
        insert(self._cursor, TABLES["seen_young"], new)
        return known

    def _drop_few(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """The same without a savepoint: raises ``Unavailable`` where another takes them away."""
        taken = insert_new(self._cursor, TABLES["seen_young"], rows)
        if len(taken) == len(rows):
            return {}
        stand = self._look_up([row for row in rows if row.id_hash not in taken])
        known: dict[int, Seen] = {}
        for index, row in enumerate(rows):
            if row.id_hash in taken and row.id_hash not in stand:
                stand[row.id_hash] = row
            elif row.id_hash in stand:
                known[index] = stand[row.id_hash]
            else:
                # It was a row a moment ago, and is in a run by now.
                raise collided()
        return known

    def _take_in(self, rows: Sequence[Seen]) -> bool:
        try:
            with self._connection.transaction():
                insert(self._cursor, TABLES["seen_young"], rows)
        except psycopg.errors.UniqueViolation:
            return False
        return True

    def _look_up(self, rows: Sequence[Seen]) -> dict[str, Seen]:
        asked = Hashes([row.id_hash for row in rows])
        answer = self._cursor.execute(KNOWN, (asked,), prepare=True)
        return {row[0]: Seen._make(row) for row in answer}


def collided() -> Unavailable:
    """What to raise then: the batch is taken again."""
    return Unavailable("another worker took in one of these ids first")
