"""Imports into PostgreSQL: a kill loses nothing, and what is sent again is known by its id."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.codec import decode
from schemas.envelope import Recorded
from services.errors import Unavailable
from services.fold.loop import FoldBug, Loop
from services.ingest import load, room
from services.ingest.room import ALONE
from services.log.postgres import PostgresLog
from services.main import app
from services.store.import_state import PostgresImportState
from services.store.urls import Urls
from tests.integration import importer

MASTER_KEY = bytes(range(32))
LINES = 6000


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """A file of 6,000 visits in CSV, without ids of their own."""
    path = tmp_path / "visits.csv"
    rows = (f"{n % 300 + 1},page {n},2026-11-20T10:00:00Z\n" for n in range(LINES))
    path.write_text("user_id,page,occurred_at\n" + "".join(rows))
    return path


def recorded(urls: Urls) -> list[Recorded[Any]]:
    log = PostgresLog(urls.fold)
    try:
        return [
            decode(stored.payload)
            for partition in range(log.partitions)
            for stored in log.read(partition, 0, 100_000)
        ]
    finally:
        log.close()


def test_an_import_that_is_killed_goes_on_and_ends_with_every_event(
    urls: Urls, visits: Path
) -> None:
    arguments = [sys.executable, importer.__file__, urls.fold, MASTER_KEY.hex(), str(visits)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(Path.cwd())}
    ) as killed:
        assert killed.stdout is not None
        assert [killed.stdout.readline() for _ in range(2)] == [
            f"{ALONE.chunk}\n",
            f"{2 * ALONE.chunk}\n",
        ]
        killed.kill()

    loaded = importer.run(urls.fold, MASTER_KEY, visits)

    events = recorded(urls)
    assert loaded.mark.is_done
    assert loaded.mark.accepted == LINES
    assert len({event.id for event in events}) == LINES
    # What the kill left between append and mark is at most one chunk, and repeats itself exactly.
    assert len({(event.id, event.digest) for event in events}) == LINES
    assert len(events) - LINES in (0, ALONE.chunk)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that waits for the folds soon, and not for long."""
    monkeypatch.setattr(room, "ALONE", room.Pace(100, 200))
    monkeypatch.setattr(load, "STALLED_S", 0.1)


@pytest.mark.usefixtures("_impatient")
def test_an_import_that_nobody_folds_ends_with_1_and_says_what_to_start(
    urls: Urls, visits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "STORE_URL": urls.owner,
        "STORE_FOLD_URL": urls.fold,
        "STORE_QUERY_URL": urls.query,
        "MASTER_KEY": MASTER_KEY.hex(),
        "DATA_DIR": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)
    CliRunner().invoke(app, ["workspaces", "create", "default"])

    ended = CliRunner().invoke(app, ["import", str(visits)])

    assert ended.exit_code == 1
    assert "nothing folds" in ended.stderr
    assert "`touchline up` or `touchline projector`" in ended.stderr
    assert len(recorded(urls)) == 300, "a chunk above what may be in flight, and no more"


@pytest.mark.usefixtures("_impatient")
def test_folds_that_a_bug_ended_are_what_an_import_beside_them_fails_by(
    tmp_path: Path, visits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: object) -> int:
        raise FoldBug("record 1:0 can't be folded")

    monkeypatch.setenv("TOUCHLINE_DATA_DIR", str(tmp_path / "data"))
    for command in (["migrate"], ["workspaces", "create", "default"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    monkeypatch.setattr(Loop, "once", stumbles)

    ended = CliRunner().invoke(app, ["import", str(visits)])

    assert ended.exit_code == 1
    assert "record 1:0 can't be folded" in ended.stderr


def test_a_file_that_was_imported_is_not_read_again(urls: Urls, visits: Path) -> None:
    importer.run(urls.fold, MASTER_KEY, visits)

    again = importer.run(urls.fold, MASTER_KEY, visits)

    assert again.mark.accepted == LINES
    assert len(recorded(urls)) == LINES


def test_states_are_kept_for_each_workspace_and_replaced(urls: Urls) -> None:
    shop, bank = (PostgresImportState(urls.fold, name) for name in ("shop", "bank"))

    shop.keep("file 1", b"first")
    shop.keep("file 1", b"second")

    assert shop.find("file 1") == b"second"
    assert bank.find("file 1") is None
    assert shop.find("file 2") is None
    shop.close()
    bank.close()


def test_a_state_that_can_not_be_reached_is_unavailable() -> None:
    away = PostgresImportState("postgresql://nobody@127.0.0.1:1/none", "shop")

    with pytest.raises(Unavailable):
        away.find("file 1")
