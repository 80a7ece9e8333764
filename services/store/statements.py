"""What folds ask of PostgreSQL, and the tables they write."""

from functools import cache
from typing import Final

from psycopg import sql

from services.store.table import Table

_COURSE: Final = {
    "customer_id": "uuid", "workspace": "text", "state": "bytea", "as_of": "timestamptz",
    "due_at": "timestamptz", "told": "bytea",
}  # fmt: skip
TABLES: Final = {
    table.name: table
    for table in (
        Table(
            "seen_young",
            {"id_hash": "uuid", "digest": "uuid", "partition": "smallint", "offset": "bigint"},
        ),
        Table("skipped", {"partition": "smallint", "offset": "bigint", "reason": "text"}, keys=2),
        Table("conflicted", {"id_hash": "uuid", "digest": "uuid"}, keys=2),
        Table("quarantined", {"partition": "smallint", "offset": "bigint"}, keys=2),
        Table(
            "identifier",
            {
                "identifier": "uuid", "workspace": "text", "kind": "text", "value": "text",
                "customer_id": "uuid", "is_common": "boolean",
            },
        ),
        Table(
            "edge",
            {
                "a": "uuid", "b": "uuid", "is_merge": "boolean", "workspace": "text",
                "occurred_at": "timestamptz", "source": "text", "id": "text",
                "is_refused": "boolean",
            },
            keys=3,
        ),
        Table(
            "edge_again",
            {
                "a": "uuid", "b": "uuid", "is_merge": "boolean",
                "occurred_at": "timestamptz", "source": "text", "id": "text",
            },
        ),
        Table(
            "split",
            {
                "workspace": "text", "occurred_at": "timestamptz", "source": "text", "id": "text",
                "one": "uuid[]", "other": "uuid[]",
            },
        ),
        Table(
            "purchase_order",
            {
                "order_key": "uuid", "workspace": "text", "order_id": "text", "facts": "bytea",
                "leaf": "uuid?",
            },
        ),
        Table("profile", {"leaf": "uuid", "workspace": "text", "facts": "bytea"}),
        Table("activity", {"leaf": "uuid", "workspace": "text", "facts": "bytea"}),
        Table(
            "customer",
            {
                "customer_id": "uuid", "workspace": "text", "name": "text", "traits": "jsonb",
                "families": "jsonb", "channels": "jsonb", "first_at": "timestamptz",
                "last_at": "timestamptz", "orders": "bigint", "refunds": "bigint",
                "spend_minor": "jsonb", "completeness": "smallint",
            },
        ),
        Table(
            "lifecycle", _COURSE | {"stage": "text", "stages": "jsonb"},
        ),
        Table(
            "loyalty",
            _COURSE | {
                "balance": "bigint", "pending": "bigint", "available": "bigint", "debt": "bigint",
                "tier": "text", "tier_until_at": "timestamptz", "expiring": "jsonb",
                "months": "jsonb",
            },
        ),
        Table(
            "ledger",
            {
                "leaf": "uuid", "source": "text", "id": "text", "is_void": "boolean",
                "workspace": "text", "type": "text", "entry": "bytea",
            },
            keys=4,
        ),
        Table(
            "decided",
            {
                "customer_id": "uuid", "kind": "text", "workspace": "text", "value": "text",
                "event_id": "text",
            },
            keys=2,
        ),
        Table(
            "unsettled",
            {
                "customer_id": "uuid", "workspace": "text", "key": "bytea",
                "caused_at": "timestamptz", "event_id": "text", "is_old": "boolean",
            },
        ),
        Table("outbox", {"workspace": "text", "event": "bytea"}, keys=0),
        Table("regrouped", {"customer_id": "uuid"}, keys=0),
    )
}  # fmt: skip
"""Every table that a batch writes rows of."""


ALONE: Final = """
    SELECT pg_advisory_xact_lock(7102028::bigint << 32 | 'checkpoint'::regclass::oid::bigint)
"""
OPEN_CHECKPOINTS: Final = """
    INSERT INTO checkpoint (partition) SELECT unnest(%s::smallint[]) ON CONFLICT DO NOTHING
"""
CLAIM: Final = """
    SELECT partition, next_offset FROM checkpoint
    WHERE partition = ANY(%s::smallint[]) ORDER BY partition FOR UPDATE
"""
CHECKPOINTS: Final = "SELECT partition, next_offset FROM checkpoint"
KNOWN: Final = TABLES["seen_young"].select("WHERE id_hash = ANY(%s)")
# A row, or else a part of a page (sql/live/0017_seen_segments.sql); "prefix": 31 bits of the hash.
LOCATED: Final = """
    SELECT int2send(partition) || int8send("offset") FROM seen_young
    WHERE id_hash = %(id_hash)s::uuid
    UNION ALL
    SELECT substring(page.ids FROM position(uuid_send(%(id_hash)s::uuid) IN page.ids) + 32 FOR 10)
    FROM seen_run JOIN seen_page AS page USING (run)
    WHERE start = (%(prefix)s::integer >> (31 - bits)) << (31 - bits)
      AND position(uuid_send(%(id_hash)s::uuid) IN page.ids) > 0
"""
CONFLICTED: Final = TABLES["conflicted"].select("WHERE id_hash = ANY(%s)")
QUARANTINED: Final = """
    SELECT partition, "offset" FROM quarantined WHERE partition = ANY(%s::smallint[])
"""
GROUPS_OF: Final = TABLES["identifier"].select(
    "WHERE customer_id IN (SELECT customer_id FROM identifier WHERE identifier = ANY(%s))",
)
EDGES_BETWEEN: Final = TABLES["edge"].select("JOIN unnest(%s, %s) AS wanted (a, b) USING (a, b)")
EDGES_AT: Final = TABLES["edge"].select("WHERE a = ANY(%s) OR b = ANY(%s)")
MERGES_AT: Final = TABLES["edge"].select("WHERE is_merge AND (a = ANY(%s) OR b = ANY(%s))")
JOINED_AT: Final = TABLES["edge"].select("WHERE a = ANY(%s) AND NOT is_refused")
NAMINGS_AT: Final = TABLES["edge_again"].select("WHERE a = ANY(%s)")
HAS_SPLITS: Final = "SELECT EXISTS (SELECT FROM split)"
HAS_CONFLICTS: Final = "SELECT EXISTS (SELECT FROM conflicted)"
SPLITS_AT: Final = TABLES["split"].select("WHERE (one || other) && %s")
ORDERS: Final = TABLES["purchase_order"].select("WHERE order_key = ANY(%s)")
COUNT: Final = """
    WITH counted AS (
        SELECT * FROM unnest(%s::text[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS tally (workspace, partition, applied, duplicate, dead_lettered)
    ), by_workspace AS (
        INSERT INTO workspace_count AS kept
            (workspace, partition, applied, duplicate, dead_lettered)
        SELECT * FROM counted
        ON CONFLICT (workspace, partition) DO UPDATE SET
            applied = kept.applied + EXCLUDED.applied,
            duplicate = kept.duplicate + EXCLUDED.duplicate,
            dead_lettered = kept.dead_lettered + EXCLUDED.dead_lettered
    ), by_partition AS (
        SELECT partition, sum(applied) AS applied, sum(duplicate) AS duplicate,
               sum(dead_lettered) AS dead_lettered
        FROM counted GROUP BY partition
    )
    UPDATE checkpoint SET
        applied = checkpoint.applied + tally.applied,
        duplicate = checkpoint.duplicate + tally.duplicate,
        dead_lettered = checkpoint.dead_lettered + tally.dead_lettered,
        next_offset = checkpoint.next_offset
            + tally.applied + tally.duplicate + tally.dead_lettered
    FROM by_partition AS tally WHERE checkpoint.partition = tally.partition
"""
WRITE_LETTERS: Final = """
    INSERT INTO touchline.dead_letter
        (workspace, origin, partition, "offset", source, event_id, type, reason, field, key_id,
         ciphertext)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""


@cache
def facts_of(projection: str) -> str:
    """Reads the facts of a projection by leaf."""
    return TABLES[projection].select("WHERE leaf = ANY(%s)")


@cache
def delete_from(view: str) -> str:
    """Takes customers out of a projection's view."""
    query = sql.SQL("DELETE FROM {} WHERE customer_id = ANY(%s)")
    return query.format(sql.Identifier(view)).as_string()
