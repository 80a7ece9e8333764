"""Our slice of the work: what a fetch brought, folded as one transaction.

Known ids go through the seen port, profiles as changes into a staged upsert, the ledger by COPY.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import msgspec
import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from bench.peers.events import POINT_MINOR
from services.projector.transport import Fetched
from services.store.connect import open_connection
from services.store.postgres_seen import Learned, PostgresSeen
from services.store.postgres_segments import SegmentedSeen
from services.store.rows import insert
from services.store.seen import Seen, SeenIndex
from services.store.segments import Segments
from services.store.table import Table

Connection = psycopg.Connection[TupleRow]
Index = Callable[[Cursor[TupleRow]], AbstractContextManager[SeenIndex]]
"""The known ids within the transaction of a cursor, which ends with the block."""

STAGED: Final = Table(
    "staged",
    {"customer": "text", "events": "bigint", "spend_minor": "bigint", "last_ms": "bigint"},
)
LEDGER: Final = Table("ledger", {"id": "uuid", "customer": "text", "points": "integer"}, keys=0)
STAGE: Final = "CREATE TEMP TABLE staged (LIKE peers.profile) ON COMMIT DELETE ROWS"
COUNT: Final = """
    INSERT INTO peers.profile AS old SELECT * FROM staged ORDER BY customer
    ON CONFLICT (customer) DO UPDATE SET
        events = old.events + EXCLUDED.events,
        spend_minor = old.spend_minor + EXCLUDED.spend_minor,
        last_ms = greatest(old.last_ms, EXCLUDED.last_ms)
"""
CLAIM: Final = """
    SELECT partition, next FROM peers.checkpoint WHERE partition = ANY(%s)
    ORDER BY partition FOR UPDATE
"""
ADVANCE: Final = """
    UPDATE peers.checkpoint SET next = came.next
    FROM unnest(%s::smallint[], %s::bigint[]) AS came (partition, next)
    WHERE checkpoint.partition = came.partition
"""


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """What of an event is looked at."""

    id: str
    customer: str
    occurred_ms: int
    amount_minor: int


_DECODED: Final = msgspec.json.Decoder(Purchase).decode


def segments(connection: Connection) -> Index:
    """The log-structured index, which ships."""
    learned, runs = Learned(), Segments()

    @contextmanager
    def index(cursor: Cursor[TupleRow]) -> Iterator[SeenIndex]:
        seen = SegmentedSeen(connection, cursor, learned, runs)
        yield seen
        seen.finish()

    return index


def unique(connection: Connection) -> Index:
    """As they rest in PostgreSQL under a unique key."""
    learned = Learned()

    @contextmanager
    def index(cursor: Cursor[TupleRow]) -> Iterator[SeenIndex]:
        yield PostgresSeen(connection, cursor, learned)

    return index


INDEXES: Final[Mapping[str, Callable[[Connection], Index]]] = {
    "segments": segments,
    "unique": unique,
}
"""What may be named as ``--ids``; another index is another line."""


class Tables:
    """The tables of the work, by one connection."""

    def __init__(self, url: str, ids: str) -> None:
        self._connection = open_connection(url, "peer", schema="peers")
        self._connection.execute("SET search_path TO peers, live, touchline, public")
        self._connection.execute(STAGE)
        self._index = INDEXES[ids](self._connection)

    def checkpoints(self) -> Mapping[int, int]:
        """The offset that comes next in each partition."""
        found = self._connection.execute("SELECT partition, next FROM checkpoint")
        return {int(row[0]): int(row[1]) for row in found}

    def fold(self, fetched: Fetched) -> Mapping[int, int]:
        """Fold all of it, and give how far the partitions have come.

        Raises ``AssertionError`` where it does not begin there where the last batch ended.
        """
        first = {partition: records[0].offset for partition, records in fetched}
        came = {partition: records[-1].offset + 1 for partition, records in fetched}
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(CLAIM, ([*first],), prepare=True)
            claimed: dict[int, int] = dict(cursor)
            assert claimed == first, f"{claimed} comes next, and {first} was fetched"
            cursor.execute(ADVANCE, ([*came], [*came.values()]), prepare=True)
            with self._index(cursor) as seen:
                self._write(cursor, fetched, seen)
        return came

    def _write(self, cursor: Cursor[TupleRow], fetched: Fetched, seen: SeenIndex) -> None:
        purchases = [_DECODED(record.value) for _, records in fetched for record in records]
        places = (
            (partition, record.offset) for partition, records in fetched for record in records
        )
        ids = [
            # There is nothing that bodies could be compared by: an id stands for its own.
            Seen(purchase.id, purchase.id, *place)
            for purchase, place in zip(purchases, places, strict=True)
        ]
        known = seen.drop_known(ids)
        if known:
            purchases = [one for index, one in enumerate(purchases) if index not in known]
        insert(cursor, STAGED, _profiles(purchases))
        cursor.execute(COUNT, prepare=True)
        lines = [(one.id, one.customer, one.amount_minor // POINT_MINOR) for one in purchases]
        insert(cursor, LEDGER, lines)


def _profiles(purchases: Sequence[Purchase]) -> Sequence[tuple[Any, ...]]:
    """What ``purchases`` add to their customers."""
    profiles: dict[str, list[int]] = {}
    for purchase in purchases:
        profile = profiles.get(purchase.customer)
        if profile is None:
            profiles[purchase.customer] = [1, purchase.amount_minor, purchase.occurred_ms]
            continue
        profile[0] += 1
        profile[1] += purchase.amount_minor
        profile[2] = max(profile[2], purchase.occurred_ms)
    return [(customer, *profile) for customer, profile in profiles.items()]
