"""Migrated databases for tests, emptied and given out again unless a test changed their shape.

To make one and drop it takes a tenth of a second, to empty it a tenth of that.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from services.store.migrate import migrate
from services.store.urls import Urls

TEMPLATE: Final = "template_migrated"
_SHAPE: Final = """
WITH ours AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), thing AS (
    SELECT format('%s %s %s %s %s', oid, relname, relnamespace, relowner, relacl)
    FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT format('%s %s %s %s', attrelid, attname, atttypid, attnotnull)
    FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
    WHERE relnamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT format('%s %s', oid, md5(prosrc))
    FROM pg_proc WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT format('%s %s', oid, nspname) FROM pg_namespace
    WHERE oid IN (SELECT oid FROM ours)
    UNION ALL SELECT oid::text FROM pg_constraint
    UNION ALL SELECT oid::text FROM pg_trigger
    UNION ALL SELECT oid::text FROM pg_policy
    UNION ALL SELECT format('%s %s', setdatabase, setconfig) FROM pg_db_role_setting
)
SELECT md5(string_agg(format, ',' ORDER BY format)) FROM thing
"""
"""A database made of the template has it; one in which anything was made or altered has not."""
_FULL: Final = """
SELECT relnamespace::regnamespace::text, relname FROM pg_class
WHERE relkind = 'r' AND relnamespace IN ('live'::regnamespace, 'touchline'::regnamespace)
  AND pg_relation_size(oid) > 0
"""
_COUNTED: Final = """
SELECT schemaname, sequencename FROM pg_sequences WHERE last_value IS NOT NULL
"""

Table = tuple[str, str]
"""Schema and name."""


class Databases:
    """Those of one server."""

    def __init__(self, server: Urls) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._spare: list[str] = []
        self._administer("CREATE DATABASE {}", TEMPLATE)
        urls = server.of(TEMPLATE)
        migrate(urls.owner)
        with psycopg.connect(urls.owner) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            self._seed = {table: _rows(connection, table) for table in _full(connection)}

    @contextmanager
    def bare(self) -> Iterator[Urls]:
        """One that nothing was done to."""
        name = self._named("CREATE DATABASE {}")
        yield self._server.of(name)
        self._drop(name)

    @contextmanager
    def migrated(self) -> Iterator[Urls]:
        """One without a row but those of its migrations."""
        name = self._spare.pop() if self._spare else self._named(
            "CREATE DATABASE {} TEMPLATE template_migrated STRATEGY file_copy"
        )  # fmt: skip
        yield self._server.of(name)
        if self._is_emptied(name):
            self._spare.append(name)
        else:
            self._drop(name)

    def _is_emptied(self, name: str) -> bool:
        try:
            connection = psycopg.connect(self._server.of(name).owner)
        except psycopg.OperationalError:
            return False
        with connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            _empty(connection, self._seed)
        return True

    def _named(self, statement: LiteralString) -> str:
        name = f"test_{next(self._numbers)}"
        self._administer(statement, name)
        return name

    def _drop(self, name: str) -> None:
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _administer(self, statement: LiteralString, name: str) -> None:
        with psycopg.connect(self._server.of("postgres").owner, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _empty(connection: psycopg.Connection, seed: Mapping[Table, Sequence[bytes]]) -> None:
    """Leave what ``seed`` holds, and count from one again."""
    changed = [
        table for table in _full(connection)
        if table not in seed or _rows(connection, table) != seed[table]
    ]  # fmt: skip
    if changed:
        # The log is guarded by a trigger, against its owner too.
        connection.execute("SET session_replication_role = replica")
        names = sql.SQL(", ").join(sql.Identifier(*table) for table in changed)
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
    for table, rows in seed.items():
        if table in changed or not _rows(connection, table):
            copy = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(*table))
            with connection.cursor().copy(copy) as writing:
                for row in rows:
                    writing.write(row)
    for counted in connection.execute(_COUNTED).fetchall():
        restart = sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(*counted))
        connection.execute(restart)


def _full(connection: psycopg.Connection) -> Sequence[Table]:
    return [(schema, name) for schema, name in connection.execute(_FULL).fetchall()]


def _rows(connection: psycopg.Connection, table: Table) -> Sequence[bytes]:
    copy = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*table))
    with connection.cursor().copy(copy) as reading:
        return [bytes(row) for row in reading]
