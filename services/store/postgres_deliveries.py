"""Deliveries in PostgreSQL, as those who queue and send them see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from psycopg import Cursor
from psycopg.rows import TupleRow

from schemas.envelope import Sealed
from services.errors import NotOurs
from services.store.deliveries import Due, Figures, Move, Outcome, Place, Queued, Subscription
from services.store.pool import Pool, rows

PURGED: Final = 1_000
"""Rows that one statement forgets: few enough that nobody waits for it."""

_PLACES: Final = """
SELECT checkpoint.partition, progress.next_offset, checkpoint.next_offset
FROM checkpoint LEFT JOIN touchline.delivery_progress AS progress USING (partition)
"""
_SUBSCRIPTIONS: Final = """
SELECT target_id, workspace, types, begins_at FROM touchline.target WHERE is_enabled
"""
_SKIPPED: Final = """
SELECT "offset" FROM skipped
WHERE partition = %(partition)s AND "offset" = ANY(%(offsets)s::bigint[])
"""
_BEGIN: Final = """
INSERT INTO touchline.delivery_progress (partition, next_offset)
SELECT * FROM unnest(%(partitions)s::smallint[], %(offsets)s::bigint[])
ON CONFLICT DO NOTHING RETURNING partition
"""
_MOVE: Final = """
UPDATE touchline.delivery_progress AS old SET next_offset = new.next_offset
FROM unnest(%(partitions)s::smallint[], %(before)s::bigint[], %(offsets)s::bigint[])
    AS new (partition, before, next_offset)
WHERE old.partition = new.partition AND old.next_offset = new.before
RETURNING old.partition
"""
_QUEUE: Final = """
INSERT INTO touchline.delivery
    (workspace, target_id, event_id, type, body, queued_at, due_at)
SELECT workspace, target_id, event_id, type, body, %(at)s::timestamptz, %(at)s::timestamptz
FROM unnest(%(workspace)s::text[], %(target_id)s::text[], %(event_id)s::text[], %(type)s::text[],
            %(body)s::bytea[]) AS found (workspace, target_id, event_id, type, body)
ON CONFLICT DO NOTHING RETURNING delivery_id
"""
_WAITING: Final = """
SELECT target_id FROM touchline.target
WHERE is_enabled AND EXISTS (
    SELECT FROM touchline.delivery
    WHERE delivery.target_id = target.target_id AND state = 'waiting' AND due_at <= %(at)s)
ORDER BY target_id
"""
_NEXT: Final = """
SELECT delivery_id, event_id, type, body, attempts, queued_at, delivery.workspace, target_id, kind,
       language, key_id, sealed
FROM touchline.delivery JOIN touchline.target USING (target_id)
WHERE target_id = %(target_id)s AND state = 'waiting' AND due_at <= %(at)s AND is_enabled
ORDER BY due_at, delivery_id LIMIT 1
"""
# It was put into the queue again where it was queued at another time.
_NOTE: Final = """
UPDATE touchline.delivery
SET state = %(state)s, due_at = %(due_at)s, ended_at = %(ended_at)s, status = %(status)s,
    problem = %(problem)s, attempts = attempts + %(attempts)s,
    attempted_at = CASE WHEN %(attempts)s > 0 THEN %(at)s ELSE attempted_at END
WHERE delivery_id = %(delivery_id)s AND state = 'waiting' AND queued_at = %(queued_at)s
RETURNING delivery_id
"""
_PURGE: Final = """
DELETE FROM touchline.delivery WHERE delivery_id IN (
    SELECT delivery_id FROM touchline.target CROSS JOIN LATERAL (
        SELECT delivery_id FROM touchline.delivery
        WHERE delivery.target_id = target.target_id AND state IN ('delivered', 'dead')
          AND ended_at < %(before)s LIMIT %(limit)s) AS old
    LIMIT %(limit)s)
RETURNING delivery_id
"""
_FIGURES: Final = """
SELECT count(*) FILTER (WHERE state = 'waiting'),
       count(*) FILTER (WHERE state = 'waiting' AND attempts > 0),
       count(*) FILTER (WHERE state = 'dead'),
       coalesce(extract(epoch FROM %(at)s
           - min(queued_at) FILTER (WHERE state = 'waiting' AND is_enabled)), 0)::float8
FROM touchline.delivery JOIN touchline.target USING (target_id)
WHERE state IN ('waiting', 'dead')
"""
_BEHIND: Final = """
SELECT coalesce(sum(greatest(checkpoint.next_offset - progress.next_offset, 0)), 0)::bigint
FROM checkpoint JOIN touchline.delivery_progress AS progress USING (partition)
"""


class PostgresDeliveries:
    """As ``services.store.deliveries`` says, of all workspaces."""

    def __init__(self, url: str, *, size: int = 4) -> None:
        self._pool = Pool(url, "deliveries", size=size, is_read_only=False)

    def places(self) -> Mapping[int, Place]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            return {partition: Place(at, end) for partition, at, end in rows(cursor, _PLACES, {})}

    def subscriptions(self) -> Sequence[Subscription]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            return [
                Subscription(
                    target_id,
                    workspace,
                    frozenset(types),
                    {int(partition): at for partition, at in begins_at.items()},
                )
                for target_id, workspace, types, begins_at in rows(cursor, _SUBSCRIPTIONS, {})
            ]

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            wanted = {"partition": partition, "offsets": list(offsets)}
            return {offset for (offset,) in rows(cursor, _SKIPPED, wanted)}

    def queue(self, moves: Mapping[int, Move], found: Sequence[Queued], at: datetime) -> None:
        """As the port says."""
        with self._pool.transaction() as cursor:
            _move(cursor, moves)
            if found:
                columns = zip(Queued._fields, zip(*found, strict=True), strict=True)
                rows(cursor, _QUEUE, {"at": at, **{name: list(each) for name, each in columns}})

    def waiting(self, at: datetime) -> Sequence[str]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            return [target_id for (target_id,) in rows(cursor, _WAITING, {"at": at})]

    def next(self, target_id: str, at: datetime) -> Due | None:
        """As the port says."""
        with self._pool.transaction() as cursor:
            found = rows(cursor, _NEXT, {"target_id": target_id, "at": at})
        if not found:
            return None
        *said, key_id, sealed = found[0]
        return Due._make((*said, Sealed(key_id, bytes(sealed))))

    def note(self, due: Due, outcome: Outcome) -> None:
        """As the port says."""
        state = "delivered" if outcome.is_delivered else "waiting" if outcome.due_at else "dead"
        with self._pool.transaction() as cursor:
            values = outcome._asdict() | {
                "state": state,
                "ended_at": None if outcome.due_at else outcome.at,
                "attempts": int(outcome.is_attempt),
                "delivery_id": due.delivery_id,
                "queued_at": due.queued_at,
            }
            rows(cursor, _NOTE, values)

    def purge(self, before: datetime) -> int:
        """As the port says."""
        with self._pool.transaction() as cursor:
            return len(rows(cursor, _PURGE, {"before": before, "limit": PURGED}))

    def figures(self, at: datetime) -> Figures:
        """What there is to send; raises ``Unavailable``."""
        with self._pool.transaction() as cursor:
            counts = rows(cursor, _FIGURES, {"at": at})[0]
            return Figures._make((*counts, *rows(cursor, _BEHIND, {})[0]))

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()


def _move(cursor: Cursor[TupleRow], moves: Mapping[int, Move]) -> None:
    begun = {at: move for at, move in moves.items() if move.at is None}
    going = {at: move for at, move in moves.items() if move.at is not None}
    moved = 0
    for query, some in ((_BEGIN, begun), (_MOVE, going)):
        if some:
            offsets = [move.next_offset for move in some.values()]
            before = [move.at for move in some.values()]
            wanted = {"partitions": list(some), "before": before, "offsets": offsets}
            moved += len(rows(cursor, query, wanted))
    if moved != len(moves):
        raise NotOurs("decisions were queued by another process meanwhile")
