"""Balances in PostgreSQL, under row-level security; what is held and seen is one function of it.

See services/store/sql/0010_hold_account.sql.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from struct import Struct
from typing import Any, Final

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.store.balance import Account, Decision, Entry, Kept, Located, Moved
from services.store.course import LedgerRow, RuleRow
from services.store.pool import Pool, rows
from services.store.statements import LOCATED

THREADS: Final = 8
HOLD: Final = """
SELECT kept, is_moved, encode(uuid_send(customer_id), 'hex'), state, as_of, spoken_for, tick,
       revision
FROM touchline.hold_account(
    %(workspace)s, %(names)s::text[], %(keys)s::text[], %(identifier)s::uuid)
"""
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 7102030))"
RULES: Final = """
SELECT workspace, kind, name, occurred_at, source, id, version, effective_at, body FROM rule
WHERE workspace = %(workspace)s
"""
LEDGER: Final = """
SELECT leaf, source, id, is_void, workspace, type, entry FROM ledger
WHERE workspace = %(workspace)s AND leaf IN (
    SELECT identifier FROM identifier
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid)
"""
ORDERS: Final = """
SELECT facts FROM purchase_order
WHERE workspace = %(workspace)s AND leaf IN (
    SELECT identifier FROM identifier
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid)
"""
# A ledger's entry ends with what it is about, of a grant the benefit's name.
TAKEN: Final = """
SELECT (SELECT count(*) FROM ledger AS granted
        WHERE workspace = %(workspace)s AND type = 'reward.granted' AND NOT is_void
          AND substring(entry FROM octet_length(entry) - %(size)s + 1) = %(about)s
          AND NOT EXISTS (
              SELECT FROM ledger AS void
              WHERE void.leaf = granted.leaf AND void.source = granted.source
                AND void.id = granted.id AND void.is_void))
     + (SELECT count(*) FROM touchline.pending_redemption
        WHERE workspace = %(workspace)s AND reward = %(reward)s)
"""
ENTRY: Final = """
WITH member AS (
    SELECT identifier FROM identifier
    WHERE workspace = %(workspace)s AND customer_id = (
        SELECT customer_id FROM identifier
        WHERE workspace = %(workspace)s AND identifier = %(identifier)s::uuid)
)
SELECT encode(uuid_send(leaf), 'hex'), type FROM touchline.pending_redemption
WHERE workspace = %(workspace)s AND event_id = %(event_id)s AND leaf IN (SELECT * FROM member)
UNION ALL
SELECT encode(uuid_send(leaf), 'hex'), type FROM ledger
WHERE workspace = %(workspace)s AND leaf IN (SELECT * FROM member) AND source = 'touchline'
  AND id = %(event_id)s AND NOT is_void
"""
DECIDE: Final = """
WITH sent AS (
    INSERT INTO touchline.outbox (workspace, event) VALUES (%(workspace)s, %(event)s)
    RETURNING outbox_id
), spoken AS (
    INSERT INTO touchline.pending_redemption (workspace, event_id, leaf, type, points, reward)
    SELECT %(workspace)s, %(event_id)s, %(leaf)s::uuid, %(type)s, %(points)s, %(reward)s
    WHERE %(event_id)s::text IS NOT NULL
), kept AS (
    INSERT INTO touchline.command (workspace, idempotency_key, request_digest, status, answer)
    SELECT %(workspace)s, key, request, status,
           answer || jsonb_build_object('outbox_id', sent.outbox_id)
    FROM sent, unnest(%(keys)s::text[], %(requests)s::text[], %(statuses)s::smallint[],
                      %(answers)s::jsonb[]) AS one (key, request, status, answer)
)
SELECT outbox_id, pg_notify('touchline_log', '') FROM sent
"""
KEEP: Final = """
INSERT INTO touchline.command (workspace, idempotency_key, request_digest, status, answer)
SELECT %(workspace)s, one.* FROM unnest(%(keys)s::text[], %(requests)s::text[],
    %(statuses)s::smallint[], %(answers)s::jsonb[]) AS one
"""
# Beside the answers, under a key that nobody can send.
NUMBER: Final = """
INSERT INTO touchline.command (workspace, idempotency_key, request_digest, status, answer)
VALUES (%(workspace)s, %(key)s, '', 200, '{}') ON CONFLICT DO NOTHING RETURNING 1
"""
_LOCATED: Final = Struct(">hq")


class PostgresBalances:
    """As ``Balances`` says; more threads than ``THREADS`` wait for each other's connections."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "balances", size=THREADS, is_read_only=False)

    @contextmanager
    def deciding(
        self, workspace: str, keys: Sequence[str], identifier: str | None = None
    ) -> Iterator["PostgresDeciding"]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            names = [f"{workspace} {key}" for key in sorted(keys)]
            asked = {"keys": [*keys], "names": names, "identifier": identifier}
            # Together with the transaction's beginning, which would else be a way of its own.
            with cursor.connection.pipeline():
                cursor.execute(HOLD, {"workspace": workspace, **asked})
            [found] = cursor.fetchall()
            yield PostgresDeciding(cursor, workspace, found)

    def located(self, id_hash: str) -> Located | None:
        """As the port says."""
        with self._pool.transaction() as cursor:
            prefix = int(id_hash[:8], 16) >> 1
            found = rows(cursor, LOCATED, {"id_hash": id_hash, "prefix": prefix})
            return Located._make(_LOCATED.unpack(found[0][0])) if found else None

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()


class PostgresDeciding:
    """As ``Deciding`` says."""

    def __init__(self, cursor: Cursor[TupleRow], workspace: str, found: TupleRow) -> None:
        self._cursor, self._workspace = cursor, workspace
        self._kept, self._is_moved, *self._account = found

    def kept(self) -> Mapping[str, Kept]:
        """As the port says."""
        return {row[0]: Kept._make(row) for row in self._kept or ()}

    def account(self) -> Account | None:
        """As the port says."""
        if self._is_moved:
            raise Moved
        return Account._make(self._account) if self._account[0] else None

    def rules(self) -> Sequence[RuleRow]:
        """As the port says."""
        return [RuleRow._make(row) for row in self._rows(RULES)]

    def told(self, customer_id: str) -> tuple[Sequence[LedgerRow], Sequence[bytes]]:
        """As the port says."""
        rows = [LedgerRow._make(row) for row in self._rows(LEDGER, customer_id=customer_id)]
        return rows, [facts for (facts,) in self._rows(ORDERS, customer_id=customer_id)]

    def taken(self, reward: str) -> int:
        """As the port says."""
        self._rows(LOCK, name=f"{self._workspace} reward {reward}")
        about = msgspec.msgpack.encode(reward)
        return int(self._rows(TAKEN, reward=reward, about=about, size=len(about))[0][0])

    def entry(self, identifier: str, event_id: str) -> Entry | None:
        """As the port says."""
        found = self._rows(ENTRY, identifier=identifier, event_id=event_id)
        return Entry._make(found[0]) if found else None

    def number(self, of: str, *, after: int) -> int:
        """As the port says."""
        number = after + 1
        while not self._rows(NUMBER, key=f"{of} {number}"):
            number += 1
        return number

    def decide(self, decision: Decision, kept: Sequence[Kept] = ()) -> int:
        """As the port says."""
        spoken = decision.spoken
        named = spoken._asdict() if spoken else dict.fromkeys(_SPOKEN)
        return int(self._rows(DECIDE, event=decision.event, **named, **_columns(kept))[0][0])

    def keep(self, kept: Sequence[Kept]) -> None:
        """As the port says."""
        if kept:
            self._cursor.execute(KEEP, {"workspace": self._workspace, **_columns(kept)})

    def _rows(self, query: str, **parameters: Any) -> list[TupleRow]:
        return rows(self._cursor, query, {"workspace": self._workspace, **parameters})


_SPOKEN: Final = ("event_id", "leaf", "type", "points", "reward")


def _columns(kept: Sequence[Kept]) -> dict[str, list[Any]]:
    return {
        "keys": [one.key for one in kept],
        "requests": [one.request for one in kept],
        "statuses": [one.status for one in kept],
        "answers": [Jsonb(one.answer) for one in kept],
    }
