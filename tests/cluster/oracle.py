"""What rows must be, told by a fold in memory of what producers were told, and by nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from services.fold.apply import Folds, apply
from services.fold.batch import Slice
from services.ingest.accept import Accepted, Producer, accept
from services.ingest.receive import partition
from services.log.port import Stored
from services.projector.projections import READ_MODELS
from services.store.memory import MemoryStore
from services.store.urls import Urls
from services.vault.port import Vault

PARTITIONS: Final = 16
SHOWN: Final = 3
Rows = dict[str, set[tuple[Any, ...]]]
_QUERIES: Final = {
    "identifier": "SELECT identifier, workspace, kind, value, customer_id FROM live.identifier",
    "edge": "SELECT a, b, is_merge, occurred_at, source, id, is_refused FROM live.edge",
    "purchase_order": "SELECT order_key, workspace, order_id, facts, leaf FROM live.purchase_order",
    "profile": "SELECT leaf, workspace, facts FROM live.profile",
    "activity": "SELECT leaf, workspace, facts FROM live.activity",
    "ledger": "SELECT leaf, source, id, is_void, workspace, type, entry FROM live.ledger",
}


def folded(
    batches: Iterable[Sequence[bytes]], vault: Vault, *, workspace: str, at_once: int = 10
) -> MemoryStore:
    """A store that took in these batches, as posted, in their order; so many of them at once."""
    store, folds = MemoryStore(), Folds(READ_MODELS, vault)
    producer, now = Producer(workspace, "write", "k", "DE"), datetime.now(UTC)
    offsets: dict[int, int] = defaultdict(int)
    waiting: list[Sequence[bytes]] = []

    def take_in() -> None:
        records: dict[int, list[Stored]] = defaultdict(list)
        for result in accept([raw for raws in waiting for raw in raws], producer, now, vault):
            assert isinstance(result, Accepted), result
            at = partition(result, PARTITIONS)
            records[at].append(Stored(offsets[at], now, result.payload))
            offsets[at] += 1
        apply(folds, [Slice(at, some[0].offset, some) for at, some in records.items()], store)
        waiting.clear()

    for raws in batches:
        waiting.append(raws)
        if len(waiting) == at_once:
            take_in()
    if waiting:
        take_in()
    return store


def rows_of(store: MemoryStore) -> Rows:
    """Facts, identity, orders and entries in memory, by table."""
    tables = store.tables
    return {
        "identifier": {row[:5] for row in tables.identifiers.values()},
        "edge": {(*row.pair, *row.rank, row.is_refused) for row in tables.edges.values()},
        "purchase_order": {tuple(row) for row in tables.orders.values()},
        "profile": {(leaf, *row) for leaf, row in tables.facts["profile"].items()},
        "activity": {(leaf, *row) for leaf, row in tables.facts["activity"].items()},
        "ledger": {tuple(row) for row in tables.courses.ledger.values()},
    }


def rows_in(urls: Urls) -> Rows:
    """The same in PostgreSQL."""
    with psycopg.connect(urls.owner) as connection:
        return {
            table: {
                tuple(value.hex if isinstance(value, UUID) else value for value in row)
                for row in connection.execute(query.encode()).fetchall()
            }
            for table, query in _QUERIES.items()
        }


def differences(found: Rows, wanted: Rows) -> dict[str, list[tuple[Any, ...]]]:
    """Some rows of each table that is not as it should be: none where all are."""
    return {
        table: sorted(found[table] ^ rows, key=repr)[:SHOWN]
        for table, rows in wanted.items()
        if found[table] != rows
    }
