"""A crowd: customers who live two years and are folded as ever, and whose rows are then multiplied.

A copy has ids of its own: hashes of the original's and of its number, of the same strength. Tables
keep their indexes; what a table that is not multiplied would hold, no tick asks for.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import sql

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
MIDNIGHT: Final = datetime(2026, 1, 1, tzinfo=UTC)
MULTIPLIED: Final[dict[str, LiteralString]] = {
    "identifier": "JOIN copied USING (customer_id)",
    "activity": "JOIN identifier AS its ON its.identifier = had.leaf"
    " JOIN copied ON copied.customer_id = its.customer_id",
    "lifecycle": "JOIN copied USING (customer_id)",
    "loyalty": "JOIN copied USING (customer_id)",
    "decided": "JOIN copied USING (customer_id)",
}
"""The tables that a tick reads or writes, and how often their rows are copied."""
SCORED: Final[dict[str, LiteralString]] = {
    "identifier": MULTIPLIED["identifier"],
    "scored_page": "JOIN identifier AS its ON its.identifier = had.leaf"
    " JOIN copied ON copied.customer_id = its.customer_id",
    "score": "JOIN copied USING (customer_id)",
    "score_told": "JOIN copied USING (customer_id)",
}
"""The same of what passing time lets scoring read or write."""
_COPIED: Final = "overlay(md5({0}::text || number) placing left({0}::text, 1) from 1 for 1)::uuid"
_OF_LEAF: Final = (
    "overlay(had.alerts placing reverse(substring(int8send(crc32(convert_to("
    "replace((" + _COPIED + ")::text, '-', ''), 'UTF8'))) from 5)) from 9)"
)
"""Where alert rules stand, with the mark of the copy's leaf: its own hash, as customers log in."""


def lives(customers: int, seed: int = 1) -> Sequence[bytes]:
    """What customers do until that midnight, each at a pace of its own; many have gone by now."""
    chance = random.Random(seed)
    events: list[tuple[datetime, bytes]] = []
    for who in range(customers):
        pace_days = chance.lognormvariate(3.5, 0.8)
        at = START + timedelta(days=chance.uniform(0, 700))
        until = min(MIDNIGHT, at + timedelta(days=chance.expovariate(1 / 300)))
        while at < until:
            events.append((at, _event(chance, len(events), who, at)))
            at += timedelta(days=max(0.01, chance.gauss(pace_days, pace_days / 3)))
    return [raw for _, raw in sorted(events)]


def _event(chance: random.Random, number: int, who: int, at: datetime) -> bytes:
    kinds: dict[str, dict[str, object]] = {
        "purchase.completed": {
            "order_id": str(number),
            "amount_minor": chance.randrange(500, 20_000),
            "currency": "EUR",
        },
        "call.ended": {"direction": "inbound", "duration_s": 60},
        "web.visited": {"url": "/"},
    }
    (type_,) = chance.choices([*kinds], (6, 1, 3))
    return msgspec.json.encode(
        {
            "id": f"e{number}",
            "source": "bench",
            "type": type_,
            "occurred_at": at,
            "identifiers": [f"user:u{who}", f"card:c{who}"],
            "data": kinds[type_],
        }
    )


def multiply(
    owner_url: str,
    groups: Sequence[tuple[Sequence[str], int]],
    customers: int,
    tables: Mapping[str, LiteralString] = MULTIPLIED,
) -> None:
    """Copy the members of each group until they are so many, all others until there are enough."""
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET search_path = live, touchline, public")
        cursor.execute("CREATE TEMP TABLE copied AS SELECT customer_id, 0 AS copies FROM lifecycle")
        cursor.execute("SELECT customer_id::text FROM copied")
        grouped = {one for members, _ in groups for one in members}
        others = [one for (one,) in cursor.fetchall() if one not in grouped]
        rest = customers - sum(wanted for _, wanted in groups)
        for members, wanted in (*groups, (others, rest)):
            each, more = divmod(wanted, len(members))
            cursor.execute(
                "UPDATE copied SET copies = %s + (place <= %s)::int"
                " FROM unnest(%s::uuid[]) WITH ORDINALITY AS placed (one, place)"
                " WHERE customer_id = one",
                (each - 1, more, [*members]),
            )
        cursor.execute("ANALYZE copied")
        for table, whose in tables.items():
            _copy(cursor, table, whose)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SET search_path = live, touchline, public")
        for table in tables:
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


def _copy(cursor: psycopg.Cursor[Any], table: str, whose: LiteralString) -> None:
    """The rows' copies, in the order of their keys: so neighbours in the index are written so."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    columns = [(name, sql.Identifier("had", name), kind) for name, kind in cursor.fetchall()]
    shown = [_shown(*column) for column in columns]
    key = next(place for place, (_, _, kind) in enumerate(columns, 1) if kind == "uuid")
    query = sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {shown} FROM {table} AS had {whose},"
        " generate_series(1, copies) AS number ORDER BY {key}"
    )
    cursor.execute(
        query.format(
            table=sql.Identifier(table),
            names=sql.SQL(", ").join(sql.Identifier(name) for name, _, _ in columns),
            shown=sql.SQL(", ").join(shown),
            whose=sql.SQL(whose),
            key=sql.Literal(key),
        )
    )


def _shown(name: str, had: sql.Identifier, kind: str) -> sql.Composable:
    """What a copy has in a column."""
    if kind == "uuid":
        return sql.SQL(_COPIED).format(had)
    if name == "alerts":
        return sql.SQL(_OF_LEAF).format(sql.Identifier("had", "customer_id"))
    return had
