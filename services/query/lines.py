"""Lines of statements, kept for the next page, and gone on with when the member's row changes."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.query.courses import Courses, Ruled, Statement, StatementLines
from services.store.reader import Reading

ROW: Final = """
SELECT CASE WHEN NOT is_waiting THEN ARRAY[l.tableoid::text, l.ctid::text, l.xmin::text] END,
       as_of, due_at
FROM (SELECT EXISTS (
    SELECT FROM unsettled
    WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
)) AS waiting (is_waiting)
LEFT JOIN loyalty AS l ON l.workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
WHERE is_waiting OR customer_id IS NOT NULL
"""
"""Whatever changes a member's entries writes its row anew: as another version of it, or elsewhere.
Unless a backlog leaves it waiting."""
MOST: Final = 100_000
"""Lines kept, some 700 bytes each with what they come from; what was asked for longest ago is
forgotten first."""


class Row(NamedTuple):
    """What tells whether lines are still those of the member."""

    version: tuple[str, ...] | None
    """None where it waits to be written: then nothing tells."""
    as_of: datetime | None
    due_at: datetime | None
    """When time alone changes the row, at the earliest."""


class _Kept(NamedTuple):
    version: tuple[str, ...] | None
    revision: int
    """Of the rules."""
    at: datetime
    statement: Statement
    lines: StatementLines


class Lines:
    """Made once, by the composition root."""

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._count = 0
        self._lock = threading.Lock()

    def row(self, reading: Reading, customer_id: str) -> Row | None:
        """The member's row; None for who never had points move."""
        found = reading.row(ROW, customer_id=customer_id)
        return Row(found[0] and tuple(found[0]), found[1], found[2]) if found else None

    def until(
        self, reading: Reading, customer_id: str, row: Row | None, span: tuple[datetime, datetime]
    ) -> Sequence[Any]:
        """All changes of a balance up to an instant of the past or present, oldest first.

        ``span`` is that instant, and the present: the statement of a day is the beginning of all
        later ones.
        """
        if row is None:
            return ()
        at, now = span
        ruled = self._courses.ruled(reading)
        key = (reading.workspace, customer_id)
        kept = self._kept.get(key)
        if kept is None or not _holds(kept, row, ruled, at):
            stated = self._stated(reading, customer_id, ruled, now)
            revision = ruled.time.books.revision
            kept = _Kept(row.version, revision, now, stated, stated.lines)
            if row.version is not None:
                self._keep(key, kept)
        return kept.lines.until(at)

    def _stated(self, reading: Reading, customer_id: str, ruled: Ruled, now: datetime) -> Statement:
        loyalty, revision = self._courses.loyalty, ruled.time.books.revision
        leaves = self._courses.leaves(reading, customer_id)
        entries = self._courses.ledger(reading, leaves)
        # Taken out, so that nobody else goes on with it meanwhile.
        kept = self._take((reading.workspace, customer_id))
        if kept and kept.revision == revision and kept.statement.goes_on_to(entries, now):
            stated = kept.statement
        else:
            stated = loyalty.statement(ruled.book(loyalty.course))
        stated.go_on(entries, now)
        return stated

    def _take(self, key: tuple[str, str]) -> _Kept | None:
        with self._lock:
            return self._forget(key)

    def _keep(self, key: tuple[str, str], kept: _Kept) -> None:
        with self._lock:
            self._forget(key)
            self._kept[key] = kept
            self._count += len(kept.lines)
            while self._count > MOST and len(self._kept) > 1:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[str, str]) -> _Kept | None:
        if before := self._kept.pop(key, None):
            self._count -= len(before.lines)
        return before


def _holds(kept: _Kept, row: Row, ruled: Ruled, at: datetime) -> bool:
    """Whether lines as of then are those up to ``at`` too."""
    return (kept.version, kept.revision) == (row.version, ruled.time.books.revision) and (
        at <= kept.at or row.due_at is None or at < row.due_at
    )
