"""The read side of the store: what queries see, one workspace and one snapshot at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow

from services.store.pool import Pool, rows

OPEN: Final = """
SELECT set_config('touchline.workspace', %(workspace)s, true),
       (SELECT array_agg(ARRAY[partition, next_offset]) FROM checkpoint)
"""
APPLIED: Final = "SELECT partition, next_offset FROM checkpoint"
ARCHIVED: Final = "SELECT partition, next_offset FROM touchline.archive_progress"
SCORED: Final = "SELECT partition, next_offset FROM touchline.scoring_progress"
SKIPPED: Final = """
SELECT "offset" FROM skipped
WHERE partition = %(partition)s AND "offset" = ANY(%(offsets)s::bigint[])
"""
TIMEOUT: Final = "SELECT set_config('statement_timeout', %(timeout)s, true)"
NONE: Final = ""
"""No workspace: what is nobody's own (checkpoints) can be read in it, and nothing else."""


class Reading:
    """One snapshot of one workspace; ``position`` is how far the folds had come in it."""

    def __init__(self, cursor: psycopg.Cursor[TupleRow], workspace: str) -> None:
        self._cursor, self.workspace = cursor, workspace
        _, pairs = self.rows(OPEN)[0]
        self.position: Mapping[int, int] = {
            int(partition): int(offset) for partition, offset in pairs or ()
        }

    def rows(self, query: str, **parameters: Any) -> list[TupleRow]:
        """What ``query`` gives; its ``%(workspace)s`` is the reading's own."""
        return rows(self._cursor, query, {"workspace": self.workspace, **parameters})

    def may_take(self, longest_s: int) -> None:
        """Let each further query of this reading take so long: figures of a million customers."""
        self.rows(TIMEOUT, timeout=f"{longest_s}s")

    def archived(self) -> Mapping[int, int]:
        """How far the archive was fed."""
        return dict(self.rows(ARCHIVED))

    def scored(self) -> Mapping[int, int]:
        """How far scoring has come."""
        return dict(self.rows(SCORED))

    def row(self, query: str, **parameters: Any) -> TupleRow | None:
        """The first row that ``query`` gives."""
        found = self.rows(query, **parameters)
        return found[0] if found else None


class Reader:
    """Reads as role ``touchline_query``: under row-level security, unable to write."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "query")

    @contextmanager
    def reading(self, workspace: str) -> Iterator[Reading]:
        """A snapshot of ``workspace``; every other one is invisible in it.

        Raises ``Unavailable``, ``Timeout`` or ``Misconfigured``.
        """
        with self._pool.transaction() as cursor:
            yield Reading(cursor, workspace)

    def applied(self) -> Mapping[int, int]:
        """How far the folds have come; raises as ``reading``."""
        with self._pool.transaction() as cursor:
            return dict(rows(cursor, APPLIED, {}))

    def archived(self) -> Mapping[int, int]:
        """How far the archive was fed; raises as ``reading``."""
        with self._pool.transaction() as cursor:
            return dict(rows(cursor, ARCHIVED, {}))

    def scored(self) -> Mapping[int, int]:
        """How far scoring has come; raises as ``reading``."""
        with self._pool.transaction() as cursor:
            return dict(rows(cursor, SCORED, {}))

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        """Those of ``offsets`` that the folds left out; raises as ``reading``."""
        asked = {"partition": partition, "offsets": list(offsets)}
        with self._pool.transaction() as cursor:
            return {offset for (offset,) in rows(cursor, SKIPPED, asked)}

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()
