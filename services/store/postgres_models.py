"""Models in PostgreSQL: histories to train on, models kept, and what was promoted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.errors import Unavailable
from services.store.connect import AWAY, open_connection
from services.store.course import RuleRow
from services.store.scores import ModelRow, Page, PromotionRow

_FETCH: Final = 5_000
"""Pages that the server hands out at once: ten megabytes."""
_HISTORIES: Final = """
    SELECT customer_id, leaf, page, p.workspace, entries
    FROM scored_page p JOIN identifier ON identifier = leaf
    WHERE p.workspace = %s ORDER BY customer_id
"""
_KEEP: Final = """
    INSERT INTO model (workspace, model, version, trained_until, parameters, card)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (workspace, model, version)
    DO UPDATE SET trained_until = excluded.trained_until, card = excluded.card, trained_at = now()
"""
_MODELS: Final = """
    SELECT workspace, model, version, trained_until, parameters, card FROM model
    WHERE workspace = %s ORDER BY trained_at DESC, version
"""
_PROMOTIONS: Final = """
    SELECT workspace, occurred_at, source, id, model, version FROM promotion
    WHERE workspace = %s ORDER BY occurred_at DESC, source DESC, id DESC
"""
_RULES: Final = """
    SELECT workspace, kind, name, occurred_at, source, id, version, effective_at, body FROM rule
    WHERE workspace = %s AND (kind = 'loyalty' OR (kind, name) = ('lifecycle', 'default'))
"""
_STATUS: Final = """
    SELECT (SELECT coalesce(sum(next_offset), 0) FROM checkpoint)::bigint,
           (SELECT coalesce(sum(next_offset), 0) FROM scoring_progress)::bigint,
           (SELECT tick FROM scoring_clock),
           (SELECT count(*) FROM score WHERE workspace = %(workspace)s),
           (SELECT count(*) FROM score WHERE workspace = %(workspace)s
                AND due_at <= (SELECT tick FROM scoring_clock))
"""


class ScoringStatus(NamedTuple):
    """How far scoring is."""

    applied: int
    """Records that the projector has applied."""
    scored: int
    """Those of them that scoring has taken in."""
    tick: datetime | None
    """The last minute that it was told."""
    customers: int
    """Who have scores, in the workspace."""
    due: int
    """Whose scores wait to be brought up to the day."""


class PostgresModels:
    """For whoever trains, compares and promotes; every method raises ``Unavailable``."""

    def __init__(self, url: str) -> None:
        self._url = url

    def histories(self, workspace: str) -> Iterator[tuple[str, Sequence[Page]]]:
        """Each customer of whom something is kept, with all of it; one snapshot a call."""
        with self._connected() as connection, connection.transaction():
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor(name="histories", binary=True) as cursor:
                cursor.itersize = _FETCH
                cursor.execute(_HISTORIES, (workspace,))
                for customer, rows in groupby(cursor, key=itemgetter(0)):
                    yield customer, [Page._make(row[1:]) for row in rows]

    def keep(self, model: ModelRow) -> None:
        """Keep a model, once a version."""
        *named, parameters, card = model
        with self._connected() as connection:
            connection.execute(_KEEP, (*named, Jsonb(parameters), Jsonb(card)))

    def models(self, workspace: str) -> Sequence[ModelRow]:
        """All that were trained, the newest first."""
        return [ModelRow._make(row) for row in self._rows(_MODELS, (workspace,))]

    def rules(self, workspace: str) -> Sequence[RuleRow]:
        """Every version of the machine ``default`` and of the programme."""
        return [RuleRow._make(row) for row in self._rows(_RULES, (workspace,))]

    def promoted(self, workspace: str) -> Mapping[str, str]:
        """The version of each model that scores."""
        rows = [PromotionRow._make(row) for row in self._rows(_PROMOTIONS, (workspace,))]
        return {row.model: row.version for row in reversed(rows)}

    def status(self, workspace: str) -> ScoringStatus:
        """How far scoring is."""
        return ScoringStatus._make(self._rows(_STATUS, {"workspace": workspace})[0])

    def reached(self, workspace: str) -> tuple[datetime | None, int]:
        """The last minute that scoring was told, and how many customers have scores."""
        found = self.status(workspace)
        return found.tick, found.customers

    def _rows(self, query: str, parameters: Any) -> list[TupleRow]:
        with self._connected() as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[TupleRow]]:
        try:
            with open_connection(self._url, "models") as connection:
                yield connection
        except AWAY as cause:
            raise Unavailable(f"the database does not answer: {cause}") from cause
