"""The command line: what it prints, and the codes it ends with."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.data_dir import DataDir, Running
from services.main import app
from services.settings import PREFIX, Settings
from services.store.embedded import EmbeddedPostgres
from services.store.urls import Urls


@pytest.fixture(autouse=True)
def _no_settings_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


@pytest.fixture
def _store(urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform whose store is elsewhere: the commands need not start one."""
    monkeypatch.setenv("TOUCHLINE_STORE_URL", urls.owner)
    monkeypatch.setenv("TOUCHLINE_STORE_FOLD_URL", urls.fold)
    monkeypatch.setenv("TOUCHLINE_STORE_QUERY_URL", urls.query)
    monkeypatch.setenv("TOUCHLINE_DATA_DIR", str(tmp_path))


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def answer(*arguments: str) -> dict[str, object]:
    result = touchline(*arguments, "--json")
    assert result.exit_code == 0, result.output
    parsed: dict[str, object] = json.loads(result.stdout)
    return parsed


@pytest.mark.usefixtures("_store")
def test_a_key_is_made_listed_and_revoked() -> None:
    answer("workspaces", "create", "shop", "--time-zone", "Europe/Berlin")

    made = answer("keys", "create", "--workspace", "shop", "--kind", "write", "--name", "till 3")
    listed = touchline("keys", "list", "--workspace", "shop")
    revoked = answer("keys", "revoke", str(made["key_id"]))

    assert str(made["key"]).startswith("tl_write_")
    assert "till 3" in listed.stdout
    assert str(made["key_id"]) in listed.stdout
    assert str(made["key"]) not in listed.stdout
    assert revoked["state"] == "revoked"


@pytest.mark.usefixtures("_store")
def test_workspaces_are_listed_for_people_and_scripts() -> None:
    none = touchline("workspaces", "list")
    touchline("workspaces", "create", "shop", "--name", "The shop")

    some = touchline("workspaces", "list")
    rows = json.loads(touchline("workspaces", "list", "--json").stdout)

    assert "workspaces create" in none.stdout
    assert "The shop" in some.stdout
    assert [row["workspace"] for row in rows] == ["shop"]


@pytest.mark.usefixtures("_store")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("keys", "create", "--workspace", "shop"), 2, "--kind"),
        (("keys", "create", "--workspace", "shop", "--kind", "root"), 2, "browser, write, secret"),
        (("keys", "create", "--workspace", "no", "--kind", "write"), 1, "no such workspace"),
        (("keys", "revoke", "k_x"), 1, "no such key"),
        (("workspaces", "create", "A B"), 2, "a-z, 0-9 and -"),
        (("workspaces", "create", "x", "--region", "XX"), 2, "ISO 3166"),
        (("dance",), 2, "No such command"),
        (("up", "--port", "eighty"), 2, "--port"),
    ],
)
def test_a_failure_is_one_line_and_a_code(arguments: tuple[str, ...], code: int, said: str) -> None:
    result = touchline(*arguments)

    assert (result.exit_code, said in result.output) == (code, True)
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_PARTITIONS", "1")

    result = touchline("keys", "list")

    assert result.exit_code == 2
    assert "TOUCHLINE_PARTITIONS" in result.stderr


def test_a_command_starts_the_database_it_needs_and_stops_it(tmp_path: Path) -> None:
    first = answer("migrate", "--data-dir", str(tmp_path))
    second = answer("migrate", "--data-dir", str(tmp_path))

    assert first["applied"] != []
    assert second == {"applied": []}
    assert EmbeddedPostgres(tmp_path).postmaster() is None


def test_the_platform_s_database_is_left_running(tmp_path: Path) -> None:
    directory = DataDir.at(tmp_path)
    postgres = EmbeddedPostgres(directory, overrides={"fsync": "off"})

    with directory.lock("touchline up"):
        postgres.start()
        touchline("migrate", "--data-dir", str(tmp_path))
        during = postgres.postmaster()

    postgres.stop()
    assert during is not None


def test_status_says_whether_a_platform_runs_and_can_serve(tmp_path: Path) -> None:
    nothing = touchline("status", "--data-dir", str(tmp_path), "--json")
    directory = DataDir.at(tmp_path)
    with directory.lock("touchline up"):
        directory.announce(Running(7, "http://127.0.0.1:1", "", "2026-11-22T10:00:00+00:00"))
        starting = touchline("status", "--data-dir", str(tmp_path), "--json")

    assert (nothing.exit_code, json.loads(nothing.stdout)["running"]) == (1, False)
    assert starting.exit_code == 1
    assert (
        json.loads(starting.stdout).items() >= {"running": True, "ready": False, "pid": 7}.items()
    )


def test_help_lists_every_command_with_what_it_does() -> None:
    said = touchline("--help").stdout

    assert all(name in said for name in ("up", "status", "migrate", "keys", "workspaces"))
