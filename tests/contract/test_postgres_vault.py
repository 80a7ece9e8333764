"""The vault in PostgreSQL keeps the contract, guards its master key, and lets it be rotated."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from services.errors import Misconfigured, Unavailable
from services.store.urls import Urls
from services.vault.port import Vault
from services.vault.postgres import PostgresVault
from services.vault.rotate import rewrap
from tests.contract.vault import VaultContract

MASTER = bytes(range(32))
NEW = bytes(range(32, 64))


@pytest.fixture
def vault(urls: Urls) -> Iterator[PostgresVault]:
    vault = PostgresVault(urls.fold, MASTER)
    yield vault
    vault.close()


@pytest.fixture
def other(urls: Urls) -> Iterator[PostgresVault]:
    other = PostgresVault(urls.fold, MASTER)
    yield other
    other.close()


@pytest.fixture
def owner(urls: Urls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        yield connection


class TestPostgresVault(VaultContract):
    """Both handles have connections and caches of their own, as two processes have."""


def test_another_master_key_is_refused_by_name(urls: Urls, vault: PostgresVault) -> None:
    with pytest.raises(Misconfigured, match="TOUCHLINE_MASTER_KEY"):
        PostgresVault(urls.fold, NEW)


def test_the_database_never_sees_a_key(vault: PostgresVault, owner: psycopg.Connection) -> None:
    key = vault.keys_for("default", ["ada"])["ada"]

    rows = owner.execute("SELECT wrapped FROM touchline.data_key").fetchall()
    rows += owner.execute("SELECT wrapped FROM touchline.vault_secret").fetchall()
    stored = b"".join(wrapped for (wrapped,) in rows)

    assert len(rows) == 2
    assert key.secret not in stored
    assert vault.hash_key not in stored
    assert MASTER not in stored


def test_a_destroyed_key_is_gone_from_its_row(
    vault: PostgresVault, owner: psycopg.Connection
) -> None:
    key = vault.keys_for("default", ["ada"])["ada"]

    vault.destroy("default", ["ada"])

    query = "SELECT key_id, wrapped, destroyed_at IS NOT NULL FROM touchline.data_key"
    assert owner.execute(query).fetchall() == [(key.key_id, None, True)]


def test_a_key_put_into_anothers_row_does_not_open(
    urls: Urls, vault: PostgresVault, owner: psycopg.Connection
) -> None:
    vault.keys_for("default", ["ada", "mallory"])
    owner.execute(
        "UPDATE touchline.data_key SET wrapped = (SELECT wrapped FROM touchline.data_key"
        " WHERE owner = 'ada') WHERE owner = 'mallory'"
    )

    fresh = PostgresVault(urls.fold, MASTER)

    with pytest.raises(Misconfigured):
        fresh.keys_for("default", ["mallory"])
    fresh.close()


def test_rotation_keeps_every_key(urls: Urls, vault: PostgresVault) -> None:
    keys = vault.keys_for("default", [str(number) for number in range(50)])
    vault.destroy("default", ["7"])

    rewrapped = rewrap(urls.fold, MASTER, NEW)

    assert rewrapped == 49
    fresh = PostgresVault(urls.fold, NEW)
    assert fresh.hash_key == vault.hash_key
    kept = {key.key_id: key.secret for owner, key in keys.items() if owner != "7"}
    assert fresh.secrets([key.key_id for key in keys.values()]) == kept
    fresh.close()
    with pytest.raises(Misconfigured):
        PostgresVault(urls.fold, MASTER)


def test_rotation_may_be_repeated(urls: Urls, vault: PostgresVault) -> None:
    vault.keys_for("default", ["ada"])
    rewrap(urls.fold, MASTER, NEW)

    assert rewrap(urls.fold, MASTER, NEW) == 0


def test_rotation_from_a_wrong_key_changes_nothing(urls: Urls, vault: PostgresVault) -> None:
    key = vault.keys_for("default", ["ada"])["ada"]

    with pytest.raises(Misconfigured, match="TOUCHLINE_MASTER_KEY"):
        rewrap(urls.fold, os.urandom(32), NEW)

    fresh = PostgresVault(urls.fold, MASTER)
    assert fresh.secrets([key.key_id]) == {key.key_id: key.secret}
    fresh.close()


def test_after_a_rotation_nobody_makes_keys_that_nobody_can_open(
    urls: Urls, vault: PostgresVault, owner: psycopg.Connection
) -> None:
    known = vault.keys_for("default", ["ada"])
    rewrap(urls.fold, MASTER, NEW)

    with pytest.raises(Misconfigured, match="rotated"):
        vault.keys_for("default", ["grace"])

    assert vault.keys_for("default", ["ada"]) == known
    query = "SELECT owner FROM touchline.data_key"
    assert owner.execute(query).fetchall() == [("ada",)]


def test_many_owners_take_one_round_trip(
    vault: PostgresVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = [str(number) for number in range(1_000)]
    loads = counted_loads(vault, monkeypatch)

    keys = vault.keys_for("default", owners)
    assert vault.keys_for("default", owners) == keys

    assert loads == [1_000]


def test_backends_that_died_meanwhile_cost_nobody_an_error(
    vault: PostgresVault, owner: psycopg.Connection
) -> None:
    vault.keys_for("default", ["ada"])
    owner.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE application_name = 'touchline-vault' AND datname = current_database()"
    )

    assert vault.keys_for("default", ["grace"])


def test_keys_outlive_a_power_cut_whatever_the_servers_default(vault: PostgresVault) -> None:
    with vault._connections.cursor() as cursor:
        row = cursor.execute("SHOW synchronous_commit").fetchone()

    assert row == ("on",)


def test_without_its_tables_the_vault_says_what_to_run(bare: Urls) -> None:
    with pytest.raises(Misconfigured, match="touchline migrate"):
        PostgresVault(bare.owner, MASTER)


def test_without_a_server_the_vault_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.vault.connections.TIMEOUT_S", 0.2)

    with pytest.raises(Unavailable):
        PostgresVault("postgresql:///touchline?host=/nowhere", MASTER)


def test_query_may_not_look_into_the_vault(urls: Urls, vault: Vault) -> None:
    with (
        psycopg.connect(urls.query) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM touchline.data_key")


def counted_loads(vault: PostgresVault, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many owners each round trip of ``vault`` asks for, from now on."""
    loads: list[int] = []
    load = vault._load_or_make_keys

    def counted(workspace: str, owners: list[str]) -> object:
        loads.append(len(owners))
        return load(workspace, owners)

    monkeypatch.setattr(vault, "_load_or_make_keys", counted)
    return loads
