"""What commands ask of PostgreSQL and leave in its outbox."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from services.store.policies import Policy
from services.store.pool import Pool, rows

ENTER: Final = "SELECT set_config('touchline.workspace', %(workspace)s, true)"
CUSTOMERS: Final = """
SELECT identifier, customer_id FROM identifier
WHERE workspace = %(workspace)s AND identifier = ANY(%(identifiers)s::uuid[])
"""
MEMBERS: Final = """
SELECT identifier FROM identifier
WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid ORDER BY identifier
"""
NAMINGS: Final = """
SELECT edge.a, edge.b FROM edge
JOIN identifier AS a ON a.identifier = edge.a
JOIN identifier AS b ON b.identifier = edge.b
WHERE edge.workspace = %(workspace)s AND NOT edge.is_merge AND NOT edge.is_refused
  AND a.customer_id = %(customer_id)s::uuid AND b.customer_id = %(customer_id)s::uuid
"""
DECIDE: Final = """
WITH sent AS (
    INSERT INTO touchline.outbox (workspace, event) VALUES (%(workspace)s, %(event)s)
    RETURNING outbox_id)
SELECT outbox_id, pg_notify('touchline_log', '') FROM sent
"""
WAITING: Final = """
SELECT EXISTS (
    SELECT FROM touchline.outbox WHERE workspace = %(workspace)s AND outbox_id = %(outbox_id)s)
"""
POLICIES: Final = """
SELECT kind, name, version, effective_at, occurred_at, body FROM rule
WHERE workspace = %(workspace)s AND kind <> 'zone'
ORDER BY kind, name, effective_at NULLS FIRST, occurred_at, source, id
"""
HAS_EVENTS: Final = """
SELECT EXISTS (
    SELECT FROM workspace_count WHERE workspace = %(workspace)s AND partition > 0 AND applied > 0)
"""
APPLIED: Final = "SELECT partition, next_offset FROM checkpoint"


class PostgresDecisions:
    """As ``services.commands.awaiting.Decisions`` says; a call sees one workspace."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "commands", size=4, is_read_only=False)

    def customers(self, workspace: str, identifiers: list[str]) -> dict[str, str]:
        with self._inside(workspace) as cursor:
            return dict(
                rows(cursor, CUSTOMERS, {"workspace": workspace, "identifiers": identifiers})
            )

    def members(self, workspace: str, customer_id: str) -> list[str]:
        with self._inside(workspace) as cursor:
            found = rows(cursor, MEMBERS, {"workspace": workspace, "customer_id": customer_id})
            return [identifier for (identifier,) in found]

    def namings(self, workspace: str, customer_id: str) -> list[tuple[str, str]]:
        with self._inside(workspace) as cursor:
            found = rows(cursor, NAMINGS, {"workspace": workspace, "customer_id": customer_id})
            return [(a, b) for a, b in found]

    def decide(self, workspace: str, event: bytes) -> int:
        with self._inside(workspace) as cursor:
            return int(rows(cursor, DECIDE, {"workspace": workspace, "event": event})[0][0])

    def policies(self, workspace: str) -> list[Policy]:
        with self._inside(workspace) as cursor:
            found = rows(cursor, POLICIES, {"workspace": workspace})
            return [
                Policy(kind, name, version, effective_at, at, json.loads(bytes(body)))
                for kind, name, version, effective_at, at, body in found
            ]

    def has_events(self, workspace: str) -> bool:
        with self._inside(workspace) as cursor:
            return bool(rows(cursor, HAS_EVENTS, {"workspace": workspace})[0][0])

    def is_waiting(self, workspace: str, outbox_id: int) -> bool:
        with self._inside(workspace) as cursor:
            return bool(
                rows(cursor, WAITING, {"workspace": workspace, "outbox_id": outbox_id})[0][0]
            )

    def applied(self) -> Mapping[int, int]:
        with self._pool.transaction() as cursor:
            return dict(rows(cursor, APPLIED, {}))

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()

    @contextmanager
    def _inside(self, workspace: str) -> Iterator[Cursor[TupleRow]]:
        with self._pool.transaction() as cursor:
            rows(cursor, ENTER, {"workspace": workspace})
            yield cursor
