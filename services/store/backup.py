"""A copy of the embedded database while it is written to: the rows of one snapshot, table by table.

Why rows, and not what PostgreSQL's own tools take (the wheel has them). ``pg_basebackup`` copies
the whole cluster: the vault's wrapped keys would lie in every copy of the log, an erasure could
not reach them, and the copy is bound to one major version of the server. ``pg_dump`` can leave
tables out, yet what migrations do beside tables (what roles may and how they are set, functions
marked leakproof) is in none of its dumps. Migrations never change once applied, so the tables of
a backup are made by the very migrations that it names, and only rows have to be kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final, LiteralString

import psycopg
from msgspec import structs
from psycopg import Connection, Cursor, sql

from services.errors import Conflict, Misconfigured, Unavailable
from services.store.backup_folder import PACKED, Draft, File, Progress, packed
from services.store.migrate import LIVE

SCHEMAS: Final = ("touchline", LIVE)
"""Whatever a replay leaves behind lies elsewhere, and is not worth keeping."""

_SETTINGS: Final[Sequence[LiteralString]] = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL lock_timeout = '10s'",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL timezone = UTC",
)
_TELL_EVERY: Final = 1 << 20

_TABLES: Final = """
SELECT n.nspname, c.relname, greatest(pg_table_size(c.oid), 1),
       array_agg(a.attname ORDER BY a.attnum)::text[]
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.attgenerated = ''
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
_SEQUENCES: Final = """
SELECT format('%%I.%%I', schemaname, sequencename), last_value
FROM pg_sequences WHERE schemaname = ANY (%s) AND last_value IS NOT NULL
"""
_MIGRATIONS: Final = "SELECT name, checksum FROM touchline.migration"
_POSITION: Final = "SELECT partition, next_offset FROM touchline.log_head ORDER BY partition"
_NOW: Final = "SELECT now(), current_setting('server_version')"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the snapshot has it."""

    schema: str
    name: str
    size: int
    """Bytes it takes here: how much there is to do, roughly."""
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Source:
    """One state of the database, for as long as its transaction lasts."""

    def __init__(self, connection: Connection[Any], tables: Sequence[Table]) -> None:
        self._connection, self.tables = connection, tables
        now: tuple[datetime, str]
        now = connection.execute(_NOW).fetchone()  # type: ignore[assignment] # one row, always
        self.at, self.version = now
        self.position: Mapping[int, int] = dict(connection.execute(_POSITION).fetchall())
        self.migrations: Mapping[str, str] = dict(connection.execute(_MIGRATIONS).fetchall())
        # They are outside of transactions: never behind the snapshot's rows, which is what matters.
        self.sequences: Mapping[str, int] = dict(
            connection.execute(_SEQUENCES, [list(SCHEMAS)]).fetchall()
        )

    def write(
        self, tables: Sequence[Table], draft: Draft, *, progress: Progress
    ) -> tuple[File, ...]:
        """Write the rows of ``tables`` into ``draft``, a file each."""
        files, total = [], sum(table.size for table in tables)
        for done, table in zip(_sums(tables), tables, strict=True):

            def at(size: int, done: int = done, of: Table = table) -> None:
                # Rows are smaller than the table they come from, or larger where it compresses.
                progress(done + min(size, of.size), total)

            with self._connection.cursor() as cursor:
                file = draft.write(f"{table}{PACKED}", packed(self._rows(cursor, table, at)))
                files.append(
                    structs.replace(
                        file, table=str(table), columns=table.columns, rows=cursor.rowcount
                    )
                )
        progress(total, total)
        return tuple(files)

    def _rows(
        self, cursor: Cursor[Any], table: Table, at: Callable[[int], None]
    ) -> Iterator[bytes]:
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(
            sql.SQL(", ").join(map(sql.Identifier, table.columns)),
            sql.Identifier(table.schema, table.name),
        )
        size = told = 0
        with cursor.copy(query) as copy:
            for row in copy:
                yield bytes(row)
                size += len(row)
                if size - told > _TELL_EVERY:
                    told = size
                    at(size)


@contextmanager
def snapshot(owner_url: str) -> Iterator[Source]:
    """The database as it is now, for as long as the block lasts; writers go on meanwhile.

    No schema may be switched meanwhile: hold off a rebuild (``Shadow.alone``) before. Raises
    ``Unavailable``, ``Conflict`` while the database is being migrated, and ``Misconfigured`` where
    it never was.
    """
    try:
        with psycopg.connect(
            owner_url, autocommit=True, application_name="touchline-backup"
        ) as connection:
            locked = _tables(connection)
            with connection.transaction():
                for setting in _SETTINGS:
                    connection.execute(setting)
                # Locks come before the snapshot: what is seen then is what these tables hold.
                for table in locked:
                    lock = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE")
                    connection.execute(lock.format(sql.Identifier(table.schema, table.name)))
                source = Source(connection, _tables(connection))
                if [str(table) for table in source.tables] != [str(table) for table in locked]:
                    raise _migrating()
                yield source
    except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedColumn) as cause:
        raise _migrating() from cause
    except psycopg.errors.UndefinedTable as cause:
        raise Misconfigured(
            f"the database was never made ready ({cause}); start the platform once: touchline up"
        ) from cause
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the database can't be copied: {cause}") from cause


def _tables(connection: Connection[Any]) -> Sequence[Table]:
    rows = connection.execute(_TABLES, [list(SCHEMAS)]).fetchall()
    return [Table(schema, name, size, tuple(columns)) for schema, name, size, columns in rows]


def _sums(tables: Sequence[Table]) -> Iterator[int]:
    """How much was done before each of ``tables``."""
    return accumulate((table.size for table in tables[:-1]), initial=0)


def _migrating() -> Conflict:
    return Conflict(
        "its tables are being changed by a migration", "try again when that has ended",
        field="the database",
    )  # fmt: skip
