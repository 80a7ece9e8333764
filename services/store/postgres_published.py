"""How far decisions were published, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.errors import NotOurs
from services.store.deliveries import Move, Place
from services.store.pool import Pool, rows

_PLACES: Final = """
SELECT partition, progress.next_offset, coalesce(checkpoint.next_offset, 0)
FROM checkpoint FULL JOIN touchline.published_progress AS progress USING (partition)
"""
_SKIPPED: Final = """
SELECT "offset" FROM skipped
WHERE partition = %(partition)s AND "offset" = ANY(%(offsets)s::bigint[])
"""
# A partition that was never looked at has no row, and none comes in between: before is null then.
_MOVE: Final = """
INSERT INTO touchline.published_progress AS old (partition, next_offset)
SELECT partition, next_offset
FROM unnest(%(partitions)s::smallint[], %(before)s::bigint[], %(offsets)s::bigint[])
    AS new (partition, before, next_offset)
WHERE before IS NOT DISTINCT FROM (
    SELECT next_offset FROM touchline.published_progress AS now WHERE now.partition = new.partition
    FOR UPDATE)
ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset
    WHERE old.next_offset < EXCLUDED.next_offset
RETURNING partition
"""


class PostgresPublished:
    """As ``services.store.published`` says."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "published", size=1, is_read_only=False)

    def places(self) -> Mapping[int, Place]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            return {partition: Place(at, end) for partition, at, end in rows(cursor, _PLACES, {})}

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        """As the port says."""
        with self._pool.transaction() as cursor:
            wanted = {"partition": partition, "offsets": list(offsets)}
            return {offset for (offset,) in rows(cursor, _SKIPPED, wanted)}

    def move(self, moves: Mapping[int, Move]) -> None:
        """As the port says."""
        wanted = {
            "partitions": list(moves),
            "before": [move.at for move in moves.values()],
            "offsets": [move.next_offset for move in moves.values()],
        }
        with self._pool.transaction() as cursor:
            if len(rows(cursor, _MOVE, wanted)) != len(moves):
                raise NotOurs("decisions were published by another process meanwhile")

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()
