"""Alerts in PostgreSQL: written beside the scores and in their transaction, read by commands."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.store.alerts import Known, TestedRow
from services.store.pool import Pool, rows
from services.store.rows import upsert
from services.store.scores import ScoreChanges
from services.store.table import Table

ALERT: Final = Table(
    "alert",
    {
        "workspace": "text", "alert_id": "text", "customer_id": "uuid", "rule": "text",
        "policy_version": "integer", "severity": "text", "owner": "text",
        "began_at": "timestamptz", "raised_at": "timestamptz", "facts": "jsonb",
        "events": "jsonb", "is_restated": "boolean", "acknowledged_at": "timestamptz",
        "acknowledged_by": "text", "action": "text", "acted_at": "timestamptz",
        "snoozed_until": "timestamptz", "closed_at": "timestamptz", "closed_by": "text",
        "reason": "text", "outcome": "text", "outcome_due_at": "timestamptz",
    },
    keys=2,
)  # fmt: skip
OF_CUSTOMERS: Final = ALERT.select("WHERE customer_id = ANY(%s) ORDER BY began_at, alert_id")
RULES: Final = """
    SELECT workspace, kind, name, occurred_at, source, id, version, effective_at, body FROM rule
    WHERE kind IN ('alert', 'loyalty') OR (kind, name) = ('lifecycle', 'default')
"""
JUDGED: Final = """
    SELECT customer_id FROM alert WHERE outcome_due_at <= %s ORDER BY outcome_due_at LIMIT %s
"""
BOOKS: Final = "SELECT workspace, digest FROM alert_book"
_KEEP_BOOKS: Final = """
    INSERT INTO alert_book (workspace, digest)
    SELECT * FROM unnest(%(workspaces)s::text[], %(digests)s::text[])
    ON CONFLICT (workspace) DO UPDATE SET digest = excluded.digest
"""
_ENTER: Final = "SELECT set_config('touchline.workspace', %(workspace)s, true)"
_KNOWN: Final = """
    SELECT coalesce(now.customer_id, alert.customer_id), rule, closed_at
    FROM touchline.alert LEFT JOIN identifier AS now ON identifier = alert.customer_id
    WHERE alert.workspace = %(workspace)s AND alert_id = %(alert_id)s
"""
_KEEP: Final = """
    INSERT INTO touchline.alert_backtest (workspace, rule, digest, tested_at, by, body)
    VALUES (%(workspace)s, %(rule)s, %(digest)s, %(tested_at)s, %(by)s, %(body)s)
    ON CONFLICT (workspace, rule, digest)
    DO UPDATE SET tested_at = excluded.tested_at, by = excluded.by, body = excluded.body
"""
_TESTED: Final = """
    SELECT rule, digest, tested_at, by, body FROM touchline.alert_backtest
    WHERE workspace = %(workspace)s AND rule = %(rule)s AND digest = %(digest)s
"""


def save(cursor: Cursor[TupleRow], changes: ScoreChanges) -> None:
    """Write what ``changes`` say of alerts."""
    upsert(cursor, ALERT, changes.alerts)
    if changes.books:
        digests: Mapping[str, Any] = {
            "workspaces": [*changes.books],
            "digests": [*changes.books.values()],
        }
        cursor.execute(_KEEP_BOOKS, digests)


class PostgresAlerts:
    """As ``services.store.alerts.Alerts`` says; a call sees one workspace."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "alerts", size=2, is_read_only=False)

    def known(self, workspace: str, alert_id: str) -> Known | None:
        """As the port says."""
        with self._inside(workspace) as cursor:
            found = rows(cursor, _KNOWN, {"workspace": workspace, "alert_id": alert_id})
            return Known._make(found[0]) if found else None

    def keep(self, workspace: str, tested: TestedRow) -> None:
        """As the port says."""
        values = {**tested._asdict(), "workspace": workspace, "body": Jsonb(tested.body)}
        with self._inside(workspace) as cursor:
            cursor.execute(_KEEP, values)

    def tested(self, workspace: str, rule: str, digest: str) -> TestedRow | None:
        """As the port says."""
        asked = {"workspace": workspace, "rule": rule, "digest": digest}
        with self._inside(workspace) as cursor:
            found = rows(cursor, _TESTED, asked)
            return TestedRow._make(found[0]) if found else None

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()

    @contextmanager
    def _inside(self, workspace: str) -> Iterator[Cursor[TupleRow]]:
        with self._pool.transaction() as cursor:
            rows(cursor, _ENTER, {"workspace": workspace})
            yield cursor
