"""Embedded PostgreSQL: made, adopted, recovered, isolated."""

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.errors import Misconfigured
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import create_live, migrate
from services.store.programs import processes_of, until
from services.store.urls import FOLD, QUERY, TAKEN_ON, Urls, acting_as

WITHOUT_FSYNC = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path, overrides=WITHOUT_FSYNC)
    yield server
    server.stop()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
        return None if row is None else row[0]


def test_a_server_is_made_once_and_adopted_by_who_comes_next(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    first = postgres.start()
    pid = postgres.postmaster()

    second = EmbeddedPostgres(tmp_path, overrides=WITHOUT_FSYNC).start()

    assert second == first
    assert postgres.postmaster() == pid
    assert ask(second.fold, "SELECT current_user") == "touchline_fold"


def test_a_server_stopped_and_started_keeps_rows_and_address(postgres: EmbeddedPostgres) -> None:
    urls = postgres.start()
    with psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    postgres.stop()
    assert postgres.urls() is None
    again = postgres.start()

    assert again == urls
    assert ask(again.owner, "SELECT n FROM kept") == 7


def test_a_killed_server_is_recovered_though_its_sessions_live_on(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    urls = postgres.start()
    with psycopg.connect(urls.owner, autocommit=True) as busy:
        busy.execute("CREATE TABLE kept AS SELECT 7 AS n")
        backend = busy.info.backend_pid
        # A stopped process can't notice that its postmaster is gone, as one deep in a computation.
        os.kill(backend, signal.SIGSTOP)
        found = postgres.postmaster()
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        assert any(postgres.postmaster() is None for _ in until(5))

        again = EmbeddedPostgres(tmp_path, overrides=WITHOUT_FSYNC).start()

        assert ask(again.owner, "SELECT n FROM kept") == 7
        assert backend not in set(processes_of(tmp_path / "postgres"))
    assert again == urls


def test_a_pid_file_that_names_somebody_else_is_stale(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    postgres.start()
    postgres.stop()
    (tmp_path / "postgres" / "postmaster.pid").write_text(
        f"{os.getppid()}\n{tmp_path}/postgres\n0\n1\n\n\n\nready\n"
    )

    urls = postgres.start()

    assert ask(urls.owner, "SELECT 1") == 1


def test_a_making_cut_short_is_begun_again(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    (tmp_path / "postgres.new" / "half").mkdir(parents=True)

    urls = postgres.start()

    assert ask(urls.query, "SELECT current_user") == "touchline_query"
    assert not (tmp_path / "postgres.new").exists()


def test_lost_passwords_are_named(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    passwords = tmp_path / "keys" / "postgres.json"
    passwords.rename(tmp_path / "elsewhere")

    with pytest.raises(Misconfigured, match=r"keys/postgres\.json .* restore it from a backup"):
        postgres.start()

    (tmp_path / "elsewhere").rename(passwords)


def test_secrets_are_readable_by_their_owner_alone(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    urls = postgres.start()

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}

    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "postgres").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert repr(urls) == "Urls(…)"


def test_a_path_too_long_for_a_socket_is_served_by_tcp(tmp_path: Path) -> None:
    deep = EmbeddedPostgres(tmp_path / ("d" * 90), overrides=WITHOUT_FSYNC)

    urls = deep.start()

    assert "127.0.0.1" in urls.fold
    assert ask(urls.fold, "SELECT 1") == 1
    deep.stop()


def test_migrating_twice_applies_nothing_again(bare: Urls) -> None:
    first = migrate(bare.owner)
    second = migrate(bare.owner)

    assert first[0] == "store/0001_roles.sql"
    assert second == []


def test_a_migration_that_changed_after_it_was_applied_is_refused(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        connection.execute(
            "UPDATE touchline.migration SET checksum = 'x' WHERE name = 'store/0001_roles.sql'"
        )

    with pytest.raises(Misconfigured, match=r"store/0001_roles\.sql is not what was applied"):
        migrate(urls.owner)


def test_a_database_newer_than_the_program_is_refused(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        connection.execute(
            "INSERT INTO touchline.migration (name, checksum) VALUES ('store/9999_x.sql', 'x')"
        )

    with pytest.raises(Misconfigured, match=r"store/9999_x\.sql, which this version does not"):
        migrate(urls.owner)


def test_a_reader_sees_rows_of_its_own_workspace_and_none_without_one(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as owner:
        owner.execute("CREATE TABLE live.thing (workspace text NOT NULL, n int)")
        owner.execute("SELECT touchline.isolate('live')")
        owner.execute("GRANT SELECT ON live.thing TO touchline_query")
        owner.execute("GRANT ALL ON live.thing TO touchline_fold")
    with psycopg.connect(urls.fold) as fold:
        fold.execute("INSERT INTO thing VALUES ('one', 1), ('two', 2)")
    everything = "SELECT array_agg(n ORDER BY n) FROM thing"

    with psycopg.connect(urls.query) as query:
        unset = query.execute(everything.encode()).fetchone()
        query.execute("SELECT set_config('touchline.workspace', 'two', true)")
        own = query.execute(everything.encode()).fetchone()

    assert unset == (None,)
    assert own == ([2],)
    assert ask(urls.fold, everything) == [1, 2]
    assert ask(acting_as(QUERY, urls.owner), everything) is None


def test_every_table_with_a_workspace_is_isolated(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as owner:
        create_live(owner, "shadow")
        open_tables = owner.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'workspace' AND c.relkind IN ('r', 'p')"
            " AND c.relnamespace::regnamespace::text IN ('touchline', 'live', 'shadow')"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        ).fetchall()

    assert open_tables == []


def test_a_shadow_schema_has_the_tables_of_live(urls: Urls) -> None:
    tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"

    with psycopg.connect(urls.owner) as owner:
        create_live(owner, "shadow")
        live, shadow = (owner.execute(tables, [name]).fetchone() for name in ("live", "shadow"))

    assert live == shadow
    assert live != (0,)


def test_neither_role_owns_anything(urls: Urls) -> None:
    owned = (
        "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid IN"
        " (SELECT oid FROM pg_roles WHERE rolname LIKE 'touchline\\_%')"
    )

    assert ask(urls.owner, owned) == 0


@pytest.mark.parametrize("role", [FOLD, QUERY])
def test_a_role_taken_on_has_the_settings_of_one_that_logs_in(urls: Urls, role: str) -> None:
    itself = {FOLD: urls.fold, QUERY: urls.query}[role]

    for name in TAKEN_ON[role]:
        question = f"SELECT replace(current_setting('{name}'), ' ', '')"
        assert ask(acting_as(role, urls.owner), question) == ask(itself, question)

    assert ask(acting_as(role, urls.owner), "SELECT current_user") == role


def test_an_owner_who_is_no_superuser_can_migrate_and_lend_both_roles(bare: Urls) -> None:
    database = bare.owner.rsplit("/", 1)[1].split("?", 1)[0]
    with psycopg.connect(bare.owner, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE landlord LOGIN PASSWORD 'x' CREATEROLE BYPASSRLS")
        superuser.execute("GRANT touchline_fold, touchline_query TO landlord WITH ADMIN OPTION")
        superuser.execute(f"ALTER DATABASE {database} OWNER TO landlord".encode())
    place = bare.owner.split("@", 1)[1]
    owner = f"postgresql://landlord:x@{place}"

    try:
        migrate(owner)
        rented = Urls.acting_from(owner)
        assert migrate(owner) == []
        assert ask(rented.fold, "SELECT current_user") == "touchline_fold"
        assert ask(rented.query, "SELECT count(*) FROM touchline.find_key('x')") == 0
    finally:
        with psycopg.connect(bare.owner, autocommit=True) as superuser:
            superuser.execute(f"ALTER DATABASE {database} OWNER TO touchline".encode())
            superuser.execute("REASSIGN OWNED BY landlord TO touchline")
            superuser.execute("DROP OWNED BY landlord")
            superuser.execute("DROP ROLE landlord")


def test_a_user_who_may_not_migrate_is_told_what_it_needs(bare: Urls) -> None:
    with pytest.raises(Misconfigured, match="TOUCHLINE_STORE_URL may not migrate"):
        migrate(bare.query)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_is_served_as_root_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    for folder in list(home.parents)[:-2]:
        folder.chmod(folder.stat().st_mode | 0o001)

    # A process of its own, since who stops being root can't go back.
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            postgres = EmbeddedPostgres(home / "data", overrides=WITHOUT_FSYNC)
            code = 0 if ask(postgres.start().fold, "SELECT 1") == 1 else 3
            postgres.stop()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert (home / "data" / "postgres").stat().st_uid == nobody.pw_uid


def test_waiting_gives_up_in_the_end() -> None:
    assert len(list(until(0.05, every_s=0.02))) >= 2
