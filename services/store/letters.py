"""Dead letters in PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from psycopg import Cursor
from psycopg.rows import TupleRow

from services.store.pool import Pool, rows
from services.store.port import Letter
from services.store.statements import WRITE_LETTERS

State = Literal["open", "resubmitted", "quarantined"]

ENTER: Final = """
SELECT set_config('touchline.workspace', coalesce(%(workspace)s::text, ''), true)
"""
PAGE: Final = """
SELECT letter_id, state, created_at, resolved_at, resubmitted_id, position,
       workspace, origin, partition, "offset", source, event_id, type, reason, field, key_id,
       ciphertext
FROM touchline.dead_letter
WHERE workspace = coalesce(%(workspace)s::text, workspace)
  AND letter_id = coalesce(%(letter_id)s::bigint, letter_id)
  AND state = coalesce(%(state)s::text, state)
  AND letter_id < coalesce(%(before)s::bigint, 9223372036854775807)
ORDER BY letter_id DESC LIMIT %(limit)s
"""
HOLD: Final = """
SELECT FROM touchline.dead_letter
WHERE workspace = coalesce(%(workspace)s::text, workspace) AND letter_id = %(letter_id)s FOR UPDATE
"""
RESOLVE: Final = """
UPDATE touchline.dead_letter
SET state = %(state)s, resolved_at = now(), resubmitted_id = %(resubmitted_id)s,
    position = %(position)s
WHERE letter_id = %(letter_id)s
"""


class LetterRow(NamedTuple):
    """A letter as it is kept, and what became of it."""

    letter_id: int
    state: State
    created_at: datetime
    resolved_at: datetime | None
    resubmitted_id: str | None
    position: str | None
    letter: Letter


class HeldLetter:
    """A letter whose row is locked."""

    def __init__(self, cursor: Cursor[TupleRow], row: LetterRow) -> None:
        self._cursor, self.row = cursor, row

    def resolve(self, state: State, *, resubmitted_id: str, position: str) -> None:
        """Note what became of it, once the block ends."""
        values = {"state": state, "resubmitted_id": resubmitted_id, "position": position}
        self._cursor.execute(RESOLVE, {"letter_id": self.row.letter_id, **values})


class PostgresLetters:
    """Letters of one workspace a call, or of all that the role of ``url`` may see."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, "letters", size=4, is_read_only=False)

    def page(
        self,
        workspace: str | None,
        *,
        state: State | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[LetterRow]:
        """At most ``limit`` letters, newest first, older than the letter ``before``."""
        with self._inside(workspace) as cursor:
            return _page(cursor, workspace, state=state, before=before, limit=limit)

    def find(self, workspace: str | None, letter_id: int) -> LetterRow | None:
        """One letter."""
        with self._inside(workspace) as cursor:
            return _find(cursor, workspace, letter_id)

    @contextmanager
    def resolving(self, workspace: str | None, letter_id: int) -> Iterator[HeldLetter | None]:
        """Hold one letter for as long as the block lasts; commits with it."""
        with self._inside(workspace) as cursor:
            cursor.execute(HOLD, {"workspace": workspace, "letter_id": letter_id})
            row = _find(cursor, workspace, letter_id)
            yield None if row is None else HeldLetter(cursor, row)

    def keep(self, letter: Letter) -> None:
        """Keep a letter that does not come from the log, once for each origin."""
        with self._inside(letter.workspace) as cursor:
            cursor.execute(WRITE_LETTERS, letter)

    def keep_all(self, letters: Sequence[Letter]) -> None:
        """``keep`` for several of one workspace, in one transaction."""
        if letters:
            with self._inside(letters[0].workspace) as cursor:
                cursor.executemany(WRITE_LETTERS, letters)

    def close(self) -> None:
        """Give connections back."""
        self._pool.close()

    @contextmanager
    def _inside(self, workspace: str | None) -> Iterator[Cursor[TupleRow]]:
        with self._pool.transaction() as cursor:
            cursor.execute(ENTER, {"workspace": workspace})
            yield cursor


def _find(cursor: Cursor[TupleRow], workspace: str | None, letter_id: int) -> LetterRow | None:
    found = _page(cursor, workspace, letter_id=letter_id, limit=1)
    return found[0] if found else None


def _page(cursor: Cursor[TupleRow], workspace: str | None, **asked: Any) -> list[LetterRow]:
    wanted = {"letter_id": None, "state": None, "before": None, "workspace": workspace} | asked
    return [
        LetterRow._make((*row[:6], Letter._make(row[6:]))) for row in rows(cursor, PAGE, wanted)
    ]
