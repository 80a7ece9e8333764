"""Targets, and deliveries as people see them, in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from schemas.envelope import Sealed
from services.errors import NotFound
from services.store.pool import Pool, rows
from services.store.targets import DeliveryRow, Sought, TargetRow, Traffic

TARGET: Final = """target.target_id, target.workspace, target.name, target.kind, target.shown,
       target.types, target.language, target.is_enabled, target.key_id, target.sealed,
       target.begins_at, target.created_at, target.changed_at"""
DELIVERY: Final = """delivery_id, workspace, target_id, event_id, type, state, attempts, queued_at,
       due_at, attempted_at, ended_at, status, problem"""

_ENTER: Final = "SELECT set_config('touchline.workspace', %(workspace)s, true)"
_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(workspace)s, 7102034))"
_INSERT: Final = """
INSERT INTO touchline.target
    (target_id, workspace, name, kind, shown, types, language, is_enabled, key_id, sealed,
     begins_at, created_at, changed_at)
SELECT %(target_id)s, %(workspace)s, %(name)s, %(kind)s, %(shown)s, %(types)s, %(language)s,
       %(is_enabled)s, %(key_id)s, %(sealed)s, %(begins_at)s, %(created_at)s, %(changed_at)s
WHERE (SELECT count(*) FROM touchline.target WHERE workspace = %(workspace)s) < %(most)s
RETURNING target_id
"""
_ALL: Final = f"""
SELECT {TARGET}, traffic.waiting, traffic.dead, delivered.ended_at, oldest.problem
FROM touchline.target
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'dead') AS dead
    FROM touchline.delivery
    WHERE delivery.target_id = target.target_id AND state IN ('waiting', 'dead')
) AS traffic
CROSS JOIN LATERAL (
    SELECT max(ended_at) AS ended_at FROM touchline.delivery
    WHERE delivery.target_id = target.target_id AND state = 'delivered'
) AS delivered
LEFT JOIN LATERAL (
    SELECT problem FROM touchline.delivery
    WHERE delivery.target_id = target.target_id AND state = 'waiting' AND attempts > 0
    ORDER BY queued_at, delivery_id LIMIT 1
) AS oldest ON true
WHERE target.workspace = %(workspace)s
  AND target.target_id = coalesce(%(target_id)s::text, target.target_id)
ORDER BY target.created_at, target.target_id
"""  # noqa: S608 - columns of ours
_HOLD: Final = f"""
SELECT {TARGET} FROM touchline.target
WHERE workspace = %(workspace)s AND target_id = %(target_id)s FOR UPDATE
"""  # noqa: S608 - columns of ours
_SAVE: Final = """
UPDATE touchline.target
SET name = %(name)s, shown = %(shown)s, types = %(types)s, language = %(language)s,
    is_enabled = %(is_enabled)s, key_id = %(key_id)s, sealed = %(sealed)s,
    begins_at = %(begins_at)s, changed_at = %(changed_at)s
WHERE target_id = %(target_id)s RETURNING target_id
"""
_QUEUE: Final = """
INSERT INTO touchline.delivery
    (workspace, target_id, event_id, type, body, queued_at, due_at)
VALUES (%(workspace)s, %(target_id)s, %(event_id)s, %(type)s, %(body)s, %(at)s, %(at)s)
RETURNING delivery_id
"""
_DELIVERIES: Final = f"""
SELECT {DELIVERY} FROM touchline.delivery
WHERE workspace = %(workspace)s
  AND delivery_id = coalesce(%(delivery_id)s::bigint, delivery_id)
  AND target_id = coalesce(%(target_id)s::text, target_id)
  AND state = coalesce(%(state)s::text, state)
  AND delivery_id < coalesce(%(before)s::bigint, 9223372036854775807)
ORDER BY delivery_id DESC LIMIT %(limit)s
"""  # noqa: S608 - columns of ours
_REQUEUE: Final = f"""
UPDATE touchline.delivery
SET state = 'waiting', attempts = 0, queued_at = %(at)s, due_at = %(at)s, ended_at = NULL
WHERE workspace = %(workspace)s AND delivery_id = %(delivery_id)s
RETURNING {DELIVERY}
"""  # noqa: S608 - columns of ours


class HeldTarget:
    """A target whose row is locked."""

    def __init__(self, cursor: Cursor[TupleRow], row: TargetRow) -> None:
        self._cursor, self.row = cursor, row

    def save(self, row: TargetRow) -> None:
        """Replace it, once the block ends."""
        rows(self._cursor, _SAVE, _values(row))


class PostgresTargets:
    """As ``services.store.targets.Targets`` says; a call sees one workspace."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "targets", size=4, is_read_only=False)

    def insert(self, row: TargetRow, *, most: int) -> bool:
        """As the port says."""
        try:
            with self._inside(row.workspace) as cursor:
                # Two at once would each find room for one more.
                rows(cursor, _ALONE, {"workspace": row.workspace})
                return bool(rows(cursor, _INSERT, _values(row) | {"most": most}))
        except psycopg.errors.ForeignKeyViolation as cause:
            raise NotFound(
                "there is no such workspace",
                "make it with touchline workspaces create",
                field="workspace",
                value=row.workspace,
            ) from cause

    def all(self, workspace: str) -> Sequence[tuple[TargetRow, Traffic]]:
        """As the port says."""
        with self._inside(workspace) as cursor:
            return _listed(cursor, workspace)

    def find(self, workspace: str, target_id: str) -> tuple[TargetRow, Traffic] | None:
        """As the port says."""
        with self._inside(workspace) as cursor:
            return next(iter(_listed(cursor, workspace, target_id)), None)

    @contextmanager
    def changing(self, workspace: str, target_id: str) -> Iterator[HeldTarget | None]:
        """As the port says; commits with the block."""
        with self._inside(workspace) as cursor:
            found = rows(cursor, _HOLD, {"workspace": workspace, "target_id": target_id})
            yield HeldTarget(cursor, target_row(found[0])) if found else None

    def queue(self, row: TargetRow, message: tuple[str, str, bytes], at: datetime) -> int:
        """As the port says."""
        event_id, type_, body = message
        with self._inside(row.workspace) as cursor:
            values = {"event_id": event_id, "type": type_, "body": body, "at": at}
            wanted = {"workspace": row.workspace, "target_id": row.target_id, **values}
            return int(rows(cursor, _QUEUE, wanted)[0][0])

    def deliveries(self, workspace: str, sought: Sought) -> Sequence[DeliveryRow]:
        """As the port says."""
        with self._inside(workspace) as cursor:
            wanted = {"workspace": workspace, "delivery_id": None, **sought._asdict()}
            return [DeliveryRow(*row) for row in rows(cursor, _DELIVERIES, wanted)]

    def delivery(self, workspace: str, delivery_id: int) -> DeliveryRow | None:
        """As the port says."""
        with self._inside(workspace) as cursor:
            wanted = {**Sought(limit=1)._asdict(), "delivery_id": delivery_id}
            found = rows(cursor, _DELIVERIES, {"workspace": workspace, **wanted})
            return DeliveryRow(*found[0]) if found else None

    def requeue(self, workspace: str, delivery_id: int, at: datetime) -> DeliveryRow | None:
        """As the port says."""
        with self._inside(workspace) as cursor:
            wanted = {"workspace": workspace, "delivery_id": delivery_id, "at": at}
            found = rows(cursor, _REQUEUE, wanted)
            return DeliveryRow(*found[0]) if found else None

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()

    @contextmanager
    def _inside(self, workspace: str) -> Iterator[Cursor[TupleRow]]:
        with self._pool.transaction() as cursor:
            rows(cursor, _ENTER, {"workspace": workspace})
            yield cursor


def target_row(row: Sequence[Any]) -> TargetRow:
    """A target out of the columns ``TARGET``."""
    *said, key_id, sealed, begins_at, created_at, changed_at = row
    secret = Sealed(key_id, bytes(sealed))
    return TargetRow._make((*said, secret, _position(begins_at), created_at, changed_at))


def _position(named: dict[str, int]) -> Mapping[int, int]:
    return {int(partition): offset for partition, offset in named.items()}


def _listed(
    cursor: Cursor[TupleRow], workspace: str, target_id: str | None = None
) -> list[tuple[TargetRow, Traffic]]:
    found = rows(cursor, _ALL, {"workspace": workspace, "target_id": target_id})
    return [(target_row(row[:-4]), Traffic(*row[-4:])) for row in found]


def _values(row: TargetRow) -> dict[str, Any]:
    return row._asdict() | {
        "types": list(row.types),
        "key_id": row.sealed.key_id,
        "sealed": row.sealed.ciphertext,
        "begins_at": Jsonb({str(partition): at for partition, at in row.begins_at.items()}),
    }
