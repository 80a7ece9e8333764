"""Courses in PostgreSQL, inside the transaction of a batch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, LiteralString

from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from services.store.connect import Hashes
from services.store.course import (
    ALWAYS_DUE,
    STALE,
    Control,
    CourseChanges,
    Decided,
    LedgerRow,
    RuleRow,
    StateRow,
    Unsettled,
)
from services.store.holds import Holds
from services.store.port import Identifier, OrderRow
from services.store.rows import upsert
from services.store.statements import TABLES

RULED: Final[Mapping[str, tuple[str, ...]]] = {
    "lifecycle": ("lifecycle",),
    "loyalty": ("loyalty",),
    "zone": ("loyalty",),
}
"""Kind of rule → the courses whose rows it changes."""
CONTROL: Final = """
    SELECT tick, revision, EXISTS (SELECT FROM unsettled) FROM control FOR SHARE OF control
"""
RULES: Final = """
    SELECT workspace, kind, name, occurred_at, source, id, version, effective_at, body FROM rule
"""
ADVANCE: Final = """
    UPDATE control SET tick = greatest(tick, %s), revision = revision + %s
"""
WRITE_RULE: Final = """
    INSERT INTO rule
        (workspace, kind, name, occurred_at, source, id, version, effective_at, body)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
LEDGER: Final = TABLES["ledger"].select("WHERE leaf = ANY(%s)")
VOIDED: Final = TABLES["ledger"].select("WHERE is_void AND leaf = ANY(%s)")
ORDERS_OF: Final = TABLES["purchase_order"].select("WHERE leaf = ANY(%s)")
DECIDED: Final = TABLES["decided"].select("WHERE customer_id = ANY(%s)")
UNSETTLED: Final = TABLES["unsettled"].select("WHERE customer_id = ANY(%s)")
SETTLED: Final = "DELETE FROM unsettled WHERE customer_id = ANY(%s)"
FORGET: Final = """
    DELETE FROM touchline.pending_redemption AS waiting
    USING unnest(%s::text[], %s::text[]) AS done (workspace, event_id)
    WHERE waiting.workspace = done.workspace AND waiting.event_id = done.event_id
"""


class PostgresCourses:
    """As ``Courses`` says."""

    def __init__(self, cursor: Cursor[TupleRow], holds: Holds) -> None:
        self._cursor, self._holds = cursor, holds

    def control(self) -> Control:
        """As the port says."""
        return Control._make(self._rows(CONTROL)[0])

    def rules(self) -> Sequence[RuleRow]:
        """As the port says."""
        return [RuleRow._make(row) for row in self._rows(RULES)]

    def ledger(self, leaves: Collection[str]) -> Sequence[LedgerRow]:
        """As the port says."""
        return [LedgerRow._make(row) for row in self._rows(LEDGER, Hashes([*leaves]))]

    def voided(self, leaves: Collection[str]) -> Collection[tuple[str, str, str]]:
        """As the port says."""
        return {(row[0], row[1], row[2]) for row in self._rows(VOIDED, Hashes([*leaves]))}

    def orders_of(self, leaves: Collection[str]) -> Sequence[OrderRow]:
        """As the port says."""
        return [OrderRow._make(row) for row in self._rows(ORDERS_OF, Hashes([*leaves]))]

    def states(self, course: str, customers: Collection[str]) -> Mapping[str, StateRow]:
        """As the port says."""
        rows = self._rows(_states(course), Hashes([*customers]))
        return {row[0]: StateRow._make(row) for row in rows}

    def due(self, course: str, tick: datetime | None, limit: int) -> Sequence[str]:
        """As the port says."""
        return [one for (one,) in self._rows(_due(course), tick or ALWAYS_DUE, limit)]

    def unsettled(self, customers: Collection[str]) -> Sequence[Unsettled]:
        """As the port says."""
        return [Unsettled._make(row) for row in self._rows(UNSETTLED, Hashes([*customers]))]

    def waiting(self, limit: int) -> Sequence[Unsettled]:
        """As the port says."""
        found = self._holds.waiting(limit)
        return self.unsettled(found) if found else ()

    def members(self, customers: Collection[str]) -> Sequence[Identifier]:
        """As the port says."""
        return [Identifier._make(row) for row in self._holds.members(Hashes([*customers]))]

    def decided(self, customers: Collection[str]) -> Sequence[Decided]:
        """As the port says."""
        return [
            Decided(workspace, customer, kind, value, event_id)
            for customer, kind, workspace, value, event_id in self._rows(
                DECIDED, Hashes([*customers])
            )
        ]

    def save(self, changes: CourseChanges) -> None:
        """As the port says."""
        if changes.tick or changes.rules:
            self._cursor.execute(ADVANCE, (changes.tick, len(changes.rules)))
        for rule in changes.rules:
            self._cursor.execute(WRITE_RULE, rule)
            for course in RULED.get(rule.kind, ()):
                values = {"stale": STALE, "always": ALWAYS_DUE, **rule._asdict()}
                self._cursor.execute(_overtake(course), values)
        upsert(self._cursor, TABLES["ledger"], changes.ledger)
        upsert(self._cursor, TABLES["unsettled"], changes.unsettled)
        if changes.settled:
            self._cursor.execute(SETTLED, (Hashes([*changes.settled]),))
        upsert(
            self._cursor,
            TABLES["decided"],
            [
                (one.customer_id, one.kind, one.workspace, one.value, one.event_id)
                for one in changes.decided
            ],
        )
        if changes.redeemed:
            columns = zip(*changes.redeemed, strict=True)
            self._cursor.execute(FORGET, [list(column) for column in columns])

    def _rows(self, query: LiteralString | str, *parameters: object) -> list[Any]:
        return self._cursor.execute(query, parameters, prepare=True).fetchall()


@cache
def _states(course: str) -> str:
    query = sql.SQL(
        "SELECT encode(uuid_send(customer_id), 'hex'), workspace, state, as_of, due_at, told"
        " FROM {} WHERE customer_id = ANY(%s)"
    )
    return query.format(sql.Identifier(course)).as_string()


@cache
def _due(course: str) -> str:
    query = sql.SQL(
        "SELECT encode(uuid_send(customer_id), 'hex') FROM {}"
        " WHERE due_at <= %s ORDER BY due_at LIMIT %s"
    )
    return query.format(sql.Identifier(course)).as_string()


@cache
def _overtake(course: str) -> str:
    """What a rule changes: rows with later entries are stale, others are due when it applies."""
    query = sql.SQL(
        "UPDATE {} SET"
        " state = CASE WHEN later THEN %(stale)s::bytea ELSE state END,"
        " due_at = CASE WHEN later THEN %(always)s ELSE least(due_at, %(effective_at)s) END"
        " FROM (SELECT customer_id AS one,"
        "  %(effective_at)s::timestamptz IS NULL OR coalesce(as_of >= %(effective_at)s, false)"
        "  AS later FROM {} WHERE workspace = %(workspace)s) AS found"
        " WHERE customer_id = one AND (later OR due_at IS NULL OR due_at > %(effective_at)s)"
    )
    table = sql.Identifier(course)
    return query.format(table, table).as_string()
