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

PATIENCE_S: Final = 60.0
"""How long a table may be held by somebody else, as by a migration, until that is an error."""

_SETTINGS: Final[Sequence[LiteralString]] = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL timezone = UTC",
)
_TELL_EVERY: Final = 1 << 20

# Not grouped by the size: a table that grows meanwhile has another one for each of its columns.
_TABLES: Final = """
SELECT n.nspname, c.relname, greatest(pg_table_size(c.oid), 1),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attgenerated = ''
             ORDER BY a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
"""
_HOLDERS: Final = """
SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = to_regclass(format('%%I.%%I', %s::text, %s::text))
  AND mode = 'AccessExclusiveLock' AND granted
"""
# Without sizes: who asks for the size of a table waits until nobody has it for himself.
_NAMES: Final = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, 2
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
    ``Unavailable``, ``Conflict`` while the database is being migrated or where somebody keeps a
    table for himself, and ``Misconfigured`` where it was never migrated.
    """
    try:
        with psycopg.connect(
            owner_url, autocommit=True, application_name="touchline-backup"
        ) as connection:
            connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PATIENCE_S}s"])
            locked = connection.execute(_NAMES, [list(SCHEMAS)]).fetchall()
            with connection.transaction():
                for setting in _SETTINGS:
                    connection.execute(setting)
                # Locks come before the snapshot: what is seen then is what these tables hold.
                for schema, name in locked:
                    _lock(connection, schema, name)
                source = Source(connection, _tables(connection))
                if [(table.schema, table.name) for table in source.tables] != locked:
                    raise _migrating()
                yield source
    except psycopg.errors.UndefinedColumn as cause:
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


def _lock(connection: Connection[Any], schema: str, name: str) -> None:
    """Wait until nobody has that table for himself, and let nobody change its columns then."""
    lock = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE")
    try:
        # A savepoint, so that who holds it can be asked for.
        with connection.transaction():
            connection.execute(lock.format(sql.Identifier(schema, name)))
    except psycopg.errors.LockNotAvailable as cause:
        found = connection.execute(_HOLDERS, [schema, name]).fetchall()
        whose = ", ".join(f"session {pid} {program}".rstrip() for pid, program in found)
        raise Conflict(
            f"{schema}.{name} was held for {PATIENCE_S:.0f} s by {whose or 'several in turn'}",
            "try again when the migration or the session that holds it has ended",
            field="the database",
        ) from cause


def _sums(tables: Sequence[Table]) -> Iterator[int]:
    """How much was done before each of ``tables``."""
    return accumulate((table.size for table in tables[:-1]), initial=0)


def _migrating() -> Conflict:
    return Conflict(
        "its tables are being changed by a migration", "try again when that has ended",
        field="the database",
    )  # fmt: skip
