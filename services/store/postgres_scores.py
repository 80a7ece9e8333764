"""Scores in PostgreSQL: one connection, held by the one process that scores."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from services.errors import NotOurs, Unavailable
from services.store import postgres_alerts as alerts
from services.store.alerts import AlertRow
from services.store.connect import AWAY, Hashes, is_lost, open_connection
from services.store.course import RuleRow
from services.store.lock import SCORER
from services.store.rows import insert, upsert
from services.store.scores import (
    ALWAYS_DUE,
    DECIDED,
    Member,
    ModelRow,
    Page,
    PromotionRow,
    ScoreChanges,
    ScoreRow,
    ToldRow,
)
from services.store.statements import TABLES
from services.store.table import Table

_SETTINGS: Final = (
    "SET plan_cache_mode = force_generic_plan",
    # As for the folds: a batch is worked out between its statements.
    "SET idle_in_transaction_session_timeout = '60s'",
)
_PAGE: Final = Table(
    "scored_page",
    {"leaf": "uuid", "page": "integer", "workspace": "text", "entries": "bytea"},
    keys=2,
)
_SCORE: Final = Table(
    "score",
    {
        "customer_id": "uuid", "workspace": "text", "due_at": "timestamptz", "tier": "text",
        "scores": "jsonb", "models": "jsonb", "alerts": "bytea",
    },
)  # fmt: skip
_TOLD: Final = Table(
    "score_told",
    {
        "customer_id": "uuid", "score": "text", "workspace": "text", "value": "float8",
        "band": "text", "event_id": "text",
    },
    keys=2,
)  # fmt: skip
_PROMOTION: Final = Table(
    "promotion",
    {
        "workspace": "text", "occurred_at": "timestamptz", "source": "text", "id": "text",
        "model": "text", "version": "text",
    },
)  # fmt: skip
_UNSETTLED: Final = "SELECT 1 FROM unsettled LIMIT 1"
_CHECKPOINTS: Final = "SELECT partition, next_offset FROM checkpoint"
_SKIPPED: Final = """
    SELECT partition, "offset" FROM skipped
    JOIN unnest(%s::smallint[], %s::bigint[], %s::bigint[]) AS span (of, first, last)
      ON partition = of AND "offset" BETWEEN first AND last
"""
_PROGRESS: Final = "SELECT partition, next_offset FROM scoring_progress"
_CLAIM: Final = "SELECT partition, next_offset FROM scoring_progress FOR UPDATE"
_TICK: Final = "SELECT tick FROM scoring_clock"
_REACHED: Final = "SELECT tick FROM control"
_REVISION: Final = "SELECT revision FROM control"
_REGROUPED: Final = "SELECT regrouped_id, customer_id FROM regrouped ORDER BY regrouped_id LIMIT %s"
_GROUPS: Final = """
    SELECT encode(uuid_send(identifier), 'hex'), encode(uuid_send(customer_id), 'hex'), workspace
    FROM identifier
    WHERE customer_id IN (SELECT customer_id FROM identifier WHERE identifier = ANY(%s))
"""
_PAGES: Final = _PAGE.select("WHERE leaf = ANY(%s) AND page <> %s")
_DECIDED: Final = _PAGE.select("WHERE leaf = ANY(%s) AND page = %s")
_DUE: Final = """
    SELECT encode(uuid_send(customer_id), 'hex') FROM score
    WHERE due_at <= %s ORDER BY due_at LIMIT %s
"""
_ROWS: Final = _SCORE.select("WHERE customer_id = ANY(%s)")
_ALL_TOLD: Final = _TOLD.select("WHERE customer_id = ANY(%s)")
_PROMOTIONS: Final = _PROMOTION.select("WHERE workspace = ANY(%s)")
_MODEL: Final = """
    SELECT workspace, model, version, trained_until, parameters, card FROM model
    WHERE workspace = %s AND model = %s AND version = %s
"""
_GO: Final = "DELETE FROM score WHERE customer_id = ANY(%s)"
_OVERTAKE: Final = "UPDATE score SET due_at = %s WHERE workspace = ANY(%s)"
_FORGET: Final = "DELETE FROM regrouped WHERE regrouped_id = ANY(%s::bigint[])"
_TELL_TIME: Final = """
    INSERT INTO scoring_clock AS old (tick) VALUES (%s)
    ON CONFLICT (is_only) DO UPDATE SET tick = greatest(old.tick, excluded.tick)
"""
_ADVANCE: Final = """
    INSERT INTO scoring_progress (partition, next_offset)
    SELECT * FROM unnest(%s::smallint[], %s::bigint[])
    ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset
"""
_WAKE: Final = "SELECT pg_notify('touchline_log', '')"
"""The relay looks at the outbox when the log has news."""


class PostgresScores:
    """As the port says; whoever uses it first holds it until its connection ends.

    ``schema`` names other rows than the live ones to follow.
    """

    def __init__(self, url: str, *, schema: str | None = None) -> None:
        self._url, self._schema = url, schema
        self._connection: psycopg.Connection[TupleRow] | None = None

    def progress(self) -> Mapping[int, int]:
        """As the port says."""
        return dict(self._all(_PROGRESS))

    def checkpoints(self) -> Mapping[int, int]:
        """As the port says."""
        return dict(self._all(_CHECKPOINTS))

    def is_settled(self) -> bool:
        """As the port says."""
        return not self._all(_UNSETTLED)

    def skipped(self, spans: Mapping[int, tuple[int, int]]) -> Collection[tuple[int, int]]:
        """As the port says."""
        ends = zip(*spans.values(), strict=True)
        return set(self._all(_SKIPPED, [*spans], *map(list, ends))) if spans else set()

    @contextmanager
    def transaction(self) -> Iterator["PostgresScoring"]:
        """As the port says."""
        with self._cursor() as cursor:
            yield PostgresScoring(cursor)

    def close(self) -> None:
        """Let another one score."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _all(self, query: LiteralString, *values: object) -> list[TupleRow]:
        with self._cursor() as cursor:
            return cursor.execute(query, values, prepare=True).fetchall()

    @contextmanager
    def _cursor(self) -> Iterator[Cursor[TupleRow]]:
        try:
            connection = self._held()
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                yield cursor
        except AWAY as cause:
            self.close()
            raise Unavailable(f"the database did not take the scores: {cause}") from cause

    def _held(self) -> psycopg.Connection[TupleRow]:
        if self._connection is None or is_lost(self._connection):
            self.close()
            self._connection = open_connection(self._url, "scoring", schema=self._schema)
            held = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [SCORER]).fetchone()
            if held != (True,):
                self.close()
                raise NotOurs("another process scores")
            for setting in _SETTINGS:
                self._connection.execute(setting)
        return self._connection


class PostgresScoring:
    """Asks and writes inside one transaction."""

    def __init__(self, cursor: Cursor[TupleRow]) -> None:
        self._cursor = cursor
        self._found: list[Page] = []
        """Those that were read, and so are there already."""

    def claim(self, expected: Mapping[int, int]) -> None:
        """As the port says."""
        found = dict(self._rows(_CLAIM))
        for partition, offset in expected.items():
            if found.get(partition, 0) != offset:
                raise NotOurs(
                    f"partition {partition} is scored up to {found.get(partition, 0)}, not {offset}"
                )

    def tick(self) -> datetime | None:
        """As the port says."""
        rows = self._rows(_TICK)
        return rows[0][0] if rows else None

    def reached(self) -> datetime | None:
        """As the port says."""
        found: datetime | None = self._rows(_REACHED)[0][0]
        return found

    def regrouped(self, limit: int) -> Mapping[int, str]:
        """As the port says."""
        return dict(self._rows(_REGROUPED, limit))

    def groups_of(self, identifiers: Collection[str]) -> Sequence[Member]:
        """As the port says."""
        return [*map(Member._make, self._rows(_GROUPS, Hashes([*identifiers])))]

    def pages(self, leaves: Collection[str]) -> Sequence[Page]:
        """As the port says."""
        return self._read(_PAGES, leaves)

    def decided(self, customers: Collection[str]) -> Sequence[Page]:
        """As the port says."""
        return self._read(_DECIDED, customers)

    def _read(self, query: str, leaves: Collection[str]) -> Sequence[Page]:
        found = [*map(Page._make, self._rows(query, Hashes([*leaves]), DECIDED))]
        self._found += found
        return found

    def due(self, tick: datetime, limit: int) -> Sequence[str]:
        """As the port says."""
        return [customer for (customer,) in self._rows(_DUE, tick, limit)]

    def rows(self, customers: Collection[str]) -> Mapping[str, ScoreRow]:
        """As the port says."""
        return {row[0]: ScoreRow._make(row) for row in self._rows(_ROWS, Hashes([*customers]))}

    def told(self, customers: Collection[str]) -> Mapping[tuple[str, str], ToldRow]:
        """As the port says."""
        found = self._rows(_ALL_TOLD, Hashes([*customers]))
        return {(row[0], row[1]): ToldRow._make(row) for row in found}

    def revision(self) -> int:
        """As the port says."""
        return int(self._rows(_REVISION)[0][0])

    def rules(self) -> Sequence[RuleRow]:
        """As the port says."""
        return [RuleRow._make(row) for row in self._rows(alerts.RULES)]

    def books(self) -> Mapping[str, str]:
        """As the port says."""
        return dict(self._rows(alerts.BOOKS))

    def alerts(self, customers: Collection[str]) -> Sequence[AlertRow]:
        """As the port says."""
        found = self._rows(alerts.OF_CUSTOMERS, Hashes([*customers]))
        return [AlertRow._make(row) for row in found]

    def to_judge(self, tick: datetime, limit: int) -> Sequence[str]:
        """As the port says."""
        return [customer for (customer,) in self._rows(alerts.JUDGED, tick, limit)]

    def promotions(self, workspaces: Collection[str]) -> Sequence[PromotionRow]:
        """As the port says."""
        return [PromotionRow._make(row) for row in self._rows(_PROMOTIONS, [*workspaces])]

    def model(self, workspace: str, model: str, version: str) -> ModelRow | None:
        """As the port says."""
        return next(map(ModelRow._make, self._rows(_MODEL, workspace, model, version)), None)

    def save(self, changes: ScoreChanges) -> None:
        """As the port says."""
        cursor = self._cursor
        if changes.pages:
            known = {page[:2] for page in self._found}
            insert(cursor, _PAGE, [page for page in changes.pages if page[:2] not in known])
            upsert(cursor, _PAGE, [page for page in changes.pages if page[:2] in known])
        upsert(cursor, _SCORE, changes.rows)
        upsert(cursor, _TOLD, changes.told)
        for promotion in changes.promotions:
            cursor.execute(
                "INSERT INTO promotion (workspace, occurred_at, source, id, model, version)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                promotion,
            )
        if changes.gone:
            cursor.execute(_GO, (Hashes([*changes.gone]),))
        if overtaken := [*changes.overtaken, *changes.books]:
            cursor.execute(_OVERTAKE, (ALWAYS_DUE, overtaken))
        alerts.save(cursor, changes)
        if changes.looked_at:
            cursor.execute(_FORGET, ([*changes.looked_at],))
        if changes.tick:
            cursor.execute(_TELL_TIME, (changes.tick,))
        if changes.advance:
            columns = [*changes.advance], [*changes.advance.values()]
            cursor.execute(_ADVANCE, columns, prepare=True)
        if changes.outbox:
            insert(cursor, TABLES["outbox"], changes.outbox)
            cursor.execute(_WAKE)

    def _rows(self, query: str, *parameters: object) -> list[Any]:
        return self._cursor.execute(query.encode(), parameters, prepare=True).fetchall()
