"""Kills at any moment of a load: nothing is lost, nothing is doubled."""

import random
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import pytest

from schemas.codec import decode
from services.archive.clickhouse import ClickHouseArchive
from services.log.port import CONTROL
from services.log.postgres import PostgresLog
from tests.integration.running import PATIENCE_S, Json, RunningPlatform
from tests.integration.telling import Teller, Told, totals, write

EVENTS: Final = 30_000
AT_ONCE: Final = 2_000
"""Records of one read: fewer may come only at the end."""
VICTIMS: Final = (
    ("web",),
    ("engine",),
    ("archive",),
    ("postgres",),
    ("loader",),
    ("engine", "postgres"),
    ("web", "loader"),
    ("archive", "engine"),
    ("up", "web", "engine", "archive", "postgres", "loader"),
    ("up",),
)
LONGEST_PAUSE_S: Final = 1.0


class Loader:
    """``touchline import`` of one file, begun again whenever it was killed."""

    def __init__(self, platform: RunningPlatform, path: Path) -> None:
        self._platform, self._path = platform, path
        self._command = self._begin()

    def kill(self) -> None:
        """``kill -9``, and again from where it was."""
        self._command.kill()
        self._command.communicate()
        self._command = self._begin()

    def finish(self) -> None:
        """Wait until everything is loaded."""
        said, _ = self._command.communicate(timeout=PATIENCE_S)
        assert self._command.returncode == 0, said

    def _begin(self) -> subprocess.Popen[str]:
        return self._platform.touchline("import", str(self._path))


@pytest.mark.parametrize("seed", [1])
def test_kills_during_a_load_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    chance, told = random.Random(seed), Told()
    victims = chance.sample(VICTIMS, len(VICTIMS))
    write(tmp_path / "events.ndjson", EVENTS, told, seed=seed)

    with RunningPlatform(tmp_path / "data") as platform:
        platform.start()
        loader = Loader(platform, tmp_path / "events.ndjson")
        with Teller(platform, told, seed=seed):
            for names in victims:
                threading.Event().wait(chance.uniform(0, LONGEST_PAUSE_S))
                kill(platform, loader, names)
            platform.wait_until(platform.is_ready, "everything runs again")
        loader.finish()
        status = platform.settled()

        assert_each_once(platform, told, status)


def kill(platform: RunningPlatform, loader: Loader, names: tuple[str, ...]) -> None:
    """Kill each, as soon as all of them live."""
    processes = [name for name in names if name != "loader"]
    platform.wait_until(lambda: platform.pids().keys() >= set(processes), f"{names} live")
    platform.kill(*processes)  # type: ignore[arg-type]
    if "loader" in names:
        loader.kill()
    if "up" in names:
        platform.start()


def assert_each_once(platform: RunningPlatform, told: Told, status: Json) -> None:
    """Log, rows and archive hold what was told, each event once, and every record is accounted for."""
    applied = log_of(platform)
    assert applied == dict.fromkeys(told.ids, 1)
    assert archive_of(platform) == applied
    assert totals(platform) == told.totals
    partitions = [row for row in status["partitions"] if row["partition"] != CONTROL]
    assert sum(row["applied"] for row in partitions) == len(told.ids)
    for row in partitions:
        ended = row["applied"] + row["duplicate"] + row["dead_lettered"] + row["in_flight"]
        assert row["accepted"] == ended, row
        assert row["dead_lettered"] == 0, row
    assert platform.verified()["ok"]


def log_of(platform: RunningPlatform) -> Mapping[tuple[str, str], int]:
    """How often each of our events counts in the log."""
    addresses = platform.addresses()
    with psycopg.connect(addresses.store.fold) as connection:
        skipped = set(connection.execute('SELECT partition, "offset" FROM skipped').fetchall())
    found: Counter[tuple[str, str]] = Counter()
    with closing(PostgresLog(addresses.log)) as log:
        for partition, end in log.ends().items():
            for first in range(0, end if partition != CONTROL else 0, AT_ONCE):
                for stored in log.read(partition, first, AT_ONCE):
                    if (partition, stored.offset) not in skipped:
                        recorded = decode(stored.payload)
                        found[recorded.source, recorded.id] += 1
    return found


def archive_of(platform: RunningPlatform) -> Mapping[tuple[str, str], int]:
    """How often each of our events is in the archive."""
    with closing(ClickHouseArchive(platform.addresses().archive)) as archive:
        rows = archive._connected().query(
            "SELECT source, id, count() FROM event WHERE partition > 0 GROUP BY source, id"
        )
    return {(source, id_): count for source, id_, count in rows.result_rows}
