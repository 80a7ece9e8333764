"""A backup's rows put into a database that has nothing yet but their tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from services.errors import Damaged, Unavailable
from services.store.backup_folder import Backup, File, Progress

LOADING: Final = {
    # Rows of tables emptied in the same transaction are written once, without a log of changes.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "maintenance_work_mem": "512MB",
    "autovacuum": "off",
}
"""How the server is to run meanwhile; nobody else uses it."""


def load(owner_url: str, backup: Backup, *, progress: Progress) -> None:
    """Put the rows of ``backup`` in place of those that are there, all or none.

    The database has the migrations that the backup names. Raises ``Damaged`` where rows can't be
    read, or are not as many as the backup says, and ``Unavailable``.
    """
    files = [file for file in backup.manifest.files if file.table]
    done, total = 0, sum(file.size for file in files)
    try:
        with _owner(owner_url) as connection:
            _empty(connection, files)
            for file in files:
                _load(connection, backup, file)
                done += file.size
                progress(done, total)
            for sequence, value in backup.manifest.sequences.items():
                connection.execute("SELECT setval(%s::regclass, %s)", [sequence, value])
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the database can't be filled: {cause}") from cause
    except psycopg.Error as cause:
        raise Damaged(f"the rows in {backup.place} don't fit their tables: {cause}") from cause


def analyze(owner_url: str) -> None:
    """Let the planner know what is there now: its guesses for new tables are far off."""
    try:
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the database can't be analysed: {cause}") from cause


@contextmanager
def _owner(url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        # Rows were right where they come from: no trigger need look, and tables come in any order.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL statement_timeout = 0")
        yield connection


def _empty(connection: Connection[Any], files: list[File]) -> None:
    """Migrations have put first rows into some."""
    tables = sql.SQL(", ").join(_name(file) for file in files)
    connection.execute(sql.SQL("TRUNCATE {}").format(tables))


def _load(connection: Connection[Any], backup: Backup, file: File) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        _name(file), sql.SQL(", ").join(map(sql.Identifier, file.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for rows in backup.unpacked(file):
                copy.write(rows)
        if cursor.rowcount != file.rows:
            raise Damaged(
                f"{backup.place / file.name} holds {cursor.rowcount} rows, and not the {file.rows} "
                "that were written"
            )


def _name(file: File) -> sql.Identifier:
    return sql.Identifier(*file.table.split(".", 1))
