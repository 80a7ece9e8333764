"""What folds ask of PostgreSQL, and the tables they write."""

from typing import Final

from services.store.rows import Table

TABLES: Final = {
    table.name: table
    for table in (
        Table("seen", {"id_hash": "uuid", "digest": "uuid", "partition": "smallint", "offset": "bigint"}),
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
                "occurred_at": "timestamptz", "source": "text", "id": "text", "is_refused": "boolean",
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
        Table("purchase_order", {"order_key": "uuid", "workspace": "text", "order_id": "text", "facts": "bytea"}),
        Table("profile", {"leaf": "uuid", "workspace": "text", "facts": "bytea"}),
        Table(
            "customer",
            {
                "customer_id": "uuid", "workspace": "text", "name": "text", "traits": "jsonb",
                "families": "jsonb", "channels": "jsonb", "first_at": "timestamptz", "last_at": "timestamptz",
                "orders": "bigint", "refunds": "bigint", "spend_minor": "jsonb", "completeness": "smallint",
            },
        ),
        Table("outbox", {"workspace": "text", "event": "bytea"}),
    )
}  # fmt: skip
"""Every table that a batch writes by COPY or as arrays."""

OPEN_CHECKPOINTS: Final = """
    INSERT INTO checkpoint (partition) SELECT unnest(%s::smallint[]) ON CONFLICT DO NOTHING
"""
CLAIM: Final = """
    SELECT partition, next_offset FROM checkpoint
    WHERE partition = ANY(%s::smallint[]) ORDER BY partition FOR UPDATE
"""
KNOWN: Final = """
    SELECT id_hash, digest, partition, "offset" FROM seen WHERE id_hash = ANY(string_to_array(%s, ',')::uuid[])
"""
QUARANTINED: Final = """
    SELECT partition, "offset" FROM quarantined WHERE partition = ANY(%s::smallint[])
"""
IDENTIFIERS: Final = """
    SELECT encode(uuid_send(identifier), 'hex'), workspace, kind, value, encode(uuid_send(customer_id), 'hex'),
           is_common
    FROM identifier
    WHERE identifier = ANY(string_to_array(%s, ',')::uuid[])
"""
MEMBERS: Final = """
    SELECT encode(uuid_send(identifier), 'hex'), workspace, kind, value, encode(uuid_send(customer_id), 'hex'),
           is_common
    FROM identifier
    WHERE customer_id = ANY(string_to_array(%s, ',')::uuid[])
"""
EDGES_BETWEEN: Final = """
    SELECT encode(uuid_send(a), 'hex'), encode(uuid_send(b), 'hex'), is_merge, workspace, occurred_at, source, id,
           is_refused
    FROM edge
    JOIN unnest(
        string_to_array(%s, ',')::uuid[], string_to_array(%s, ',')::uuid[], string_to_array(%s, ',')::boolean[]
    ) AS wanted (a, b, is_merge) USING (a, b, is_merge)
"""
EDGES_AT: Final = """
    SELECT encode(uuid_send(a), 'hex'), encode(uuid_send(b), 'hex'), is_merge, workspace, occurred_at, source, id,
           is_refused
    FROM edge
    WHERE a = ANY(string_to_array(%s, ',')::uuid[]) OR b = ANY(string_to_array(%s, ',')::uuid[])
"""
MERGES_AT: Final = """
    SELECT encode(uuid_send(a), 'hex'), encode(uuid_send(b), 'hex'), is_merge, workspace, occurred_at, source, id,
           is_refused
    FROM edge
    WHERE is_merge AND (a = ANY(string_to_array(%s, ',')::uuid[]) OR b = ANY(string_to_array(%s, ',')::uuid[]))
"""
JOINED_AT: Final = """
    SELECT encode(uuid_send(a), 'hex'), encode(uuid_send(b), 'hex'), is_merge, workspace, occurred_at, source, id,
           is_refused
    FROM edge
    WHERE a = ANY(string_to_array(%s, ',')::uuid[]) AND NOT is_refused
"""
NAMINGS_AT: Final = """
    SELECT a, b, is_merge, occurred_at, source, id FROM edge_again WHERE a = ANY(string_to_array(%s, ',')::uuid[])
"""
SPLITS_AT: Final = """
    SELECT workspace, occurred_at, source, id, one, other FROM split WHERE (one || other) && string_to_array(%s, ',')::uuid[]
"""
ORDERS: Final = """
    SELECT encode(uuid_send(order_key), 'hex'), workspace, order_id, facts FROM purchase_order WHERE order_key = ANY(string_to_array(%s, ',')::uuid[])
"""
COUNT: Final = """
    WITH counted AS (
        SELECT * FROM unnest(%s::text[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[])
            AS tally (workspace, partition, applied, duplicate, dead_lettered)
    ), by_workspace AS (
        INSERT INTO workspace_count AS kept (workspace, partition, applied, duplicate, dead_lettered)
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
        next_offset = checkpoint.next_offset + tally.applied + tally.duplicate + tally.dead_lettered
    FROM by_partition AS tally WHERE checkpoint.partition = tally.partition
"""
WRITE_LETTERS: Final = """
    INSERT INTO touchline.dead_letter
        (workspace, origin, partition, "offset", source, event_id, type, reason, field, key_id, ciphertext)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
