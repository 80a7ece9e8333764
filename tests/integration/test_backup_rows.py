"""A backup's rows: all of them, byte for byte, in tables of the version that they came from."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from services.errors import Conflict, Damaged
from services.log.port import Entry
from services.log.postgres import PostgresLog
from services.main.restoring import fill
from services.store.backup import snapshot
from services.store.backup_folder import Backup, Draft, Manifest, Progress
from services.store.connect import open_connection
from services.store.migrate import migrate
from services.store.programs import until
from services.store.restore import load
from services.store.tenants import WorkspaceRow
from services.store.urls import Urls
from services.vault.postgres import PostgresVault

RENAMED = {"live.seen": "live.seen_young"}
"""Since then."""
FIRST_VERSION = {
    *("store/0001_roles.sql", "store/0002_letters.sql", "store/0003_keys.sql", "log/0001_log.sql"),
    *("store/0004_letters_answered.sql", "store/0005_import_state.sql", "store/0006_archive.sql"),
    *("vault/0001_vault.sql", "live/0001_folds.sql", "live/0002_identity.sql"),
    "live/0003_profile.sql",
}
KEY = bytes(range(32))


def quietly(_done: int, _total: int) -> None:
    """Say nothing of how far it is."""


@contextmanager
def no_bar(_title: str) -> Iterator[Progress]:
    yield quietly


def test_rows_of_an_older_version_come_back_as_they_were_and_are_migrated(
    bare: Urls, tmp_path: Path
) -> None:
    migrate(bare.owner, partitions=5, only=FIRST_VERSION)
    furnish(bare)
    before = rows(bare)
    backup = taken(bare, tmp_path / "log")
    wipe(bare)

    migrated = fill(bare.owner, [backup], no_bar)

    after = rows(bare)
    assert backup.manifest.migrations.keys() == FIRST_VERSION
    assert "store/0007_search.sql" in migrated
    assert {
        name: after[RENAMED.get(name, name)] for name in before if name != "touchline.migration"
    } == {name: before[name] for name in before if name != "touchline.migration"}
    assert set(before["touchline.migration"]) < set(after["touchline.migration"])
    assert letter(bare) == 3
    with closing(PostgresLog(bare.fold)) as log, closing(PostgresVault(bare.fold, KEY)) as vault:
        assert log.append([Entry(1, b"next")]) == {1: 3}
        assert len(vault.keys_for("shop", ["0a", "0b"])) == 2
    assert len(rows(bare)["touchline.data_key"]) == 2
    assert migrate(bare.owner) == []


def test_rows_that_came_after_the_backup_began_are_not_in_it(urls: Urls, tmp_path: Path) -> None:
    furnish(urls)
    draft = Draft(tmp_path / "log")
    with snapshot(urls.owner) as source:
        letter(urls)
        with closing(PostgresLog(urls.fold)) as log:
            log.append([Entry(1, b"later")])
        files = source.write(source.tables, draft, progress=quietly)
    draft.drop()

    counts = {file.table: file.rows for file in files}
    assert (counts["touchline.log_batch"], counts["touchline.dead_letter"]) == (2, 2)
    assert source.position[1] == 2
    assert not any(tmp_path.iterdir())


def test_a_table_that_grows_while_its_size_is_asked_for_is_one_table(urls: Urls) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        every = len(tables_of(urls))
        # Of another size whenever it is looked at, as a table is that is written to.
        owner.execute(
            "CREATE FUNCTION public.pg_table_size(oid) RETURNS bigint"
            " RETURN (random() * 1e12)::bigint"
        )
        alter = sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog")
        owner.execute(alter.format(sql.Identifier(owner.info.dbname)))

    assert len(tables_of(urls)) == len(set(tables_of(urls))) == every


def test_a_table_that_somebody_holds_is_waited_for(urls: Urls) -> None:
    furnish(urls)
    with psycopg.connect(urls.owner) as holder, ThreadPoolExecutor(1) as threads:
        holder.execute("LOCK TABLE touchline.dead_letter IN ACCESS EXCLUSIVE MODE")
        copied = threads.submit(tables_of, urls)
        is_waiting = (
            "SELECT true FROM pg_locks WHERE relation = 'touchline.dead_letter'::regclass"
            " AND NOT granted"
        )
        assert any(holder.execute(is_waiting).fetchone() for _ in until(30))
        holder.rollback()

        assert "touchline.dead_letter" in copied.result(30)


def test_a_table_that_somebody_keeps_is_named_in_the_end(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.backup.PATIENCE_S", 0.1)
    with psycopg.connect(urls.owner, application_name="somebody") as holder:
        holder.execute("LOCK TABLE live.customer IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(Conflict, match=r"live\.customer .* somebody"):
            tables_of(urls)


def tables_of(urls: Urls) -> list[str]:
    """The tables that a backup takes."""
    with snapshot(urls.owner) as source:
        return [str(table) for table in source.tables]


def test_rows_that_are_fewer_than_the_manifest_says_are_refused_and_none_is_taken(
    urls: Urls, tmp_path: Path
) -> None:
    furnish(urls)
    backup = taken(urls, tmp_path / "log")
    files = {file.table: file for file in backup.manifest.files}
    one, other = files["touchline.dead_letter"], files["live.split"]
    (backup.place / one.name).write_bytes((backup.place / other.name).read_bytes())
    before = rows(urls)

    with pytest.raises(Damaged, match="dead_letter"):
        load(urls.owner, backup, progress=quietly)

    assert rows(urls) == before


def test_an_unfinished_folder_that_holds_anything_else_is_left_alone(tmp_path: Path) -> None:
    ours = tmp_path / "one.partial"
    ours.mkdir()
    (ours / "live.seen.copy.zst").touch()
    theirs = tmp_path / "two.partial"
    theirs.mkdir()
    (theirs / "thesis.txt").touch()

    Draft(tmp_path / "one").drop()
    with pytest.raises(Conflict, match=r"two\.partial holds thesis\.txt"):
        Draft(tmp_path / "two")

    assert [path.name for path in tmp_path.rglob("*")] == ["two.partial", "thesis.txt"]


def furnish(urls: Urls) -> None:
    """Something of every kind: a tenant, records, keys, letters with numbers of their own."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    tenant = WorkspaceRow("shop", "Shop", "Europe/Berlin", "EUR", "DE", at)
    with closing(PostgresLog(urls.fold)) as log, closing(PostgresVault(urls.fold, KEY)) as vault:
        log.append([Entry(1, b"\x00\xff"), Entry(1, b"x" * 5_000), Entry(2, b"y")])
        vault.keys_for("shop", ["0a", "0b"])
    with open_connection(urls.owner, "test") as owner:
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(tenant))
        insert = sql.SQL("INSERT INTO touchline.workspace VALUES ({})").format(marks)
        owner.execute(insert, list(tenant))
    assert (letter(urls), letter(urls)) == (1, 2)


def letter(urls: Urls) -> int:
    """Keep a dead letter; its number."""
    with open_connection(urls.owner, "test") as owner:
        row = owner.execute(
            "INSERT INTO touchline.dead_letter (workspace, origin, reason, key_id, ciphertext)"
            " VALUES ('shop', gen_random_uuid()::text, E'tab\\tand \\\\ 東', 'k', '\\x00ff')"
            " RETURNING letter_id"
        ).fetchone()
    assert row
    return int(row[0])


def taken(urls: Urls, place: Path) -> Backup:
    """All of the database as a backup."""
    draft = Draft(place)
    with snapshot(urls.owner) as source:
        manifest = Manifest(
            kind="store",
            touchline="0.1.0",
            postgres=source.version,
            made_at=source.at.isoformat(),
            vault="",
            position=dict(source.position),
            migrations=dict(source.migrations),
            sequences=dict(source.sequences),
            files=source.write(source.tables, draft, progress=quietly),
        )
    draft.finish(manifest)
    return Backup.at(place, "store")


def wipe(urls: Urls) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute("SET client_min_messages = warning")
        owner.execute("DROP SCHEMA touchline, live CASCADE")
        owner.execute("DROP EXTENSION pg_trgm")


def rows(urls: Urls) -> Mapping[str, list[str]]:
    """Every row of every table, as text."""
    found = {}
    with snapshot(urls.owner) as source, psycopg.connect(urls.owner) as owner:
        for table in source.tables:
            query = sql.SQL("SELECT row::text FROM {} AS row ORDER BY 1")
            name = sql.Identifier(table.schema, table.name)
            found[str(table)] = [row for (row,) in owner.execute(query.format(name))]
    return found
