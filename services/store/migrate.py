"""Migrations: SQL files applied once each, in order, and the schema of tables that folds write."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import psycopg
from psycopg import Connection, sql

from services.errors import Misconfigured, Unavailable
from services.store.lock import MIGRATOR

LIVE: Final = "live"
"""The schema that folds write and queries read; a rebuild fills another one and renames it."""

_SERVICES: Final = Path(__file__).parents[1]
_FOLDERS: Final = ("store", "log", "vault")
"""Whose sql/ is applied; for one number in this order, since roles and schema come first."""
_NUMBERED = re.compile(r"\d{4}_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; ``name`` is what it is remembered by."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        return sha256(self.text.encode()).hexdigest()


def migrate(
    owner_url: str, *, partitions: int = 16, only: Collection[str] | None = None
) -> Sequence[str]:
    """Bring the database up to date, all or nothing; the names of what was applied.

    A log that is made has that many ``partitions``; one that was made keeps those it has. ``only``
    leaves out all other migrations: the database is then what it was before those.
    Raises ``Misconfigured`` when a file changed after it was applied, or the database is newer than
    this program, and ``Unavailable``.
    """
    try:
        with psycopg.connect(owner_url, autocommit=True) as connection, connection.transaction():
            connection.execute(
                "SELECT set_config('touchline.partitions', %s, true)", [str(partitions)]
            )
            return _migrate(connection, only)
    except psycopg.OperationalError as cause:
        raise Unavailable(f"the store can't be migrated: {cause}") from cause
    except psycopg.errors.InsufficientPrivilege as cause:
        raise Misconfigured(
            f"the user of TOUCHLINE_STORE_URL may not migrate: {cause}; "
            "it has to own the database, and be a superuser or have CREATEROLE and BYPASSRLS"
        ) from cause


def create_live(connection: Connection, schema: str) -> None:
    """Make ``schema`` with the tables that folds write: empty, isolated, granted.

    In the open transaction of the owner's connection. A rebuild ends by renaming it to ``live``.
    """
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    for migration in live_files():
        _apply_in(connection, schema, migration)
    _open(connection, schema)


def live_files() -> Sequence[Migration]:
    """The files that make the tables of ``live``, in order."""
    return _files(_SERVICES / "store" / "sql" / "live", LIVE)


def refuse_newer(applied: Mapping[str, str], *, whose: str) -> None:
    """Raise ``Misconfigured`` where ``applied`` (name → checksum) are not all known to us."""
    _refuse_strangers(applied, [*_lasting_files(), *live_files()], whose=whose)


def _lasting_files() -> Sequence[Migration]:
    """The files that make all other tables, in order."""
    files = [
        migration for folder in _FOLDERS for migration in _files(_SERVICES / folder / "sql", folder)
    ]
    # Sorting is stable: files of one number stay in the order of their folders.
    return sorted(files, key=lambda migration: migration.name.partition("/")[2][:4])


def _migrate(connection: Connection, only: Collection[str] | None) -> Sequence[str]:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATOR])
    applied = _applied(connection)
    files, live = _lasting_files(), live_files()
    _refuse_strangers(applied, [*files, *live])
    if only is not None:
        files, live = ([one for one in ours if one.name in only] for ours in (files, live))
    new = [migration for migration in files if migration.name not in applied]
    for migration in new:
        _run(connection, migration)
    if new:
        connection.execute("SELECT touchline.isolate('touchline')")
    new_live = [migration for migration in live if migration.name not in applied]
    if new_live:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(LIVE)))
        for migration in new_live:
            _apply_in(connection, LIVE, migration)
        _open(connection, LIVE)
    _remember(connection, [*new, *new_live])
    return [migration.name for migration in [*new, *new_live]]


def _files(folder: Path, prefix: str) -> Sequence[Migration]:
    found = sorted(folder.glob("*.sql")) if folder.is_dir() else []
    for path in found:
        if not _NUMBERED.fullmatch(path.name):
            raise Misconfigured(f"{path} is no migration: name it NNNN_what_it_makes.sql")
    return [Migration(f"{prefix}/{path.name}", path.read_text()) for path in found]


def _applied(connection: Connection) -> dict[str, str]:
    known = connection.execute("SELECT to_regclass('touchline.migration') IS NOT NULL").fetchone()
    if known != (True,):
        return {}
    return dict(connection.execute("SELECT name, checksum FROM touchline.migration").fetchall())


def _refuse_strangers(
    applied: Mapping[str, str], files: Sequence[Migration], *, whose: str = "the database"
) -> None:
    checksums = {migration.name: migration.checksum for migration in files}
    for name, checksum in applied.items():
        if name not in checksums:
            raise Misconfigured(
                f"{whose} has migration {name}, which this version does not know; "
                "run the version of Touchline that made it, or a newer one"
            )
        if checksums[name] != checksum:
            raise Misconfigured(
                f"migration {name} is not what was applied to {whose}; "
                "restore the file, and put the change into a new one"
            )


def _run(connection: Connection, migration: Migration) -> None:
    try:
        connection.execute(migration.text.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as cause:
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise
        raise Misconfigured(f"migration {migration.name} fails: {cause}") from cause


def _apply_in(connection: Connection, schema: str, migration: Migration) -> None:
    # public is last: extensions live there.
    path = sql.SQL("SET LOCAL search_path = {}, touchline, public").format(sql.Identifier(schema))
    connection.execute(path)
    _run(connection, migration)
    connection.execute("SET LOCAL search_path = DEFAULT")


def _open(connection: Connection, schema: str) -> None:
    connection.execute("SELECT touchline.isolate(%s)", [schema])
    for grant in (
        "GRANT ALL ON ALL TABLES IN SCHEMA {} TO touchline_fold",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA {} TO touchline_fold",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO touchline_query",
    ):
        connection.execute(sql.SQL(grant).format(sql.Identifier(schema)))


def _remember(connection: Connection, migrations: Sequence[Migration]) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS touchline.migration ("
        " name text PRIMARY KEY, checksum text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO touchline.migration (name, checksum) VALUES (%s, %s)",
            [(migration.name, migration.checksum) for migration in migrations],
        )
