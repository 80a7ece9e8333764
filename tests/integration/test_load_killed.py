"""Kills at any moment of a load: nothing is lost, nothing is doubled."""

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.campaign import Campaign
from tests.integration.running import PATIENCE_S, Json, Process, RunningPlatform
from tests.integration.telling import Teller, Told, assert_each_once, recorded, write
from tests.reported import Fault, Noted

SMALL: Final = """
from services.ingest import room
from services.main import app
room.ALONE = room.BESIDE = room.Pace(100, 1_000)
app()
"""
"""Small chunks, so that each kill meets another one of a small load, which waits for nobody."""
EVERYTHING: Final[tuple[Process, ...]] = (
    "up", "web", "engine", "archive", "scorer", "postgres",
)  # fmt: skip
VICTIMS: Final[Sequence[tuple[Process | str, ...]]] = (
    ("web",),
    ("engine",),
    ("archive",),
    ("postgres",),
    ("loader",),
    ("engine", "postgres", "scorer"),
    ("web", "loader"),
    ("archive", "engine"),
    (*EVERYTHING, "loader"),
    ("up",),
)
FEWER: Final[Sequence[tuple[Process | str, ...]]] = (
    ("web", "engine", "archive", "loader"),
    (*EVERYTHING, "loader"),
)
"""Each of them all the same."""


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
        return self._platform.python("-c", SMALL, "import", str(self._path))


@pytest.mark.fault(Fault.KILLS)
def test_kills_during_a_load_lose_and_double_nothing(
    tmp_path: Path, campaign: Campaign, noted: Noted
) -> None:
    events, victims = campaign.of(600, 6_000), campaign.of(FEWER, VICTIMS)
    # Records between two kills, at most; while processes start again the load goes on.
    farthest = events // len(victims) // 2
    chance, told = random.Random(campaign.seed), Told()
    write(tmp_path / "events.ndjson", events, told, seed=campaign.seed)

    with RunningPlatform(tmp_path / "data") as platform:
        platform.start()
        loader = Loader(platform, tmp_path / "events.ndjson")
        with Teller(platform, told, seed=campaign.seed):
            for names in chance.sample(victims, len(victims)):
                until_recorded(platform, chance.randint(1, farthest))
                kill(platform, loader, names)
            platform.wait_until(platform.is_ready, "everything runs again")
        loader.finish()
        status = platform.settled()

        assert_each_once(platform, told, status)
        noted.add(kills=sum(map(len, victims)), events=len(told.ids))


def until_recorded(platform: RunningPlatform, more: int) -> None:
    """Come back once the log has so many more records."""
    wanted = recorded(platform) + more
    platform.wait_until(lambda: recorded(platform) >= wanted, "it loads")


def kill(platform: RunningPlatform, loader: Loader, names: tuple[Process | str, ...]) -> None:
    """Kill each, as soon as all of them live."""
    processes = [name for name in EVERYTHING if name in names]
    platform.wait_until(lambda: platform.pids().keys() >= set(processes), f"{names} live")
    platform.kill(*processes)
    if "loader" in names:
        loader.kill()
    if "up" in names:
        platform.start()


@pytest.mark.fault(Fault.KILLS)
def test_a_load_killed_many_times_gives_the_rows_of_one_that_was_not(
    tmp_path: Path, long_campaign: Campaign, noted: Noted
) -> None:
    events, kills, seed = 3_000, 10, long_campaign.seed
    chance = random.Random(seed)
    write(tmp_path / "first.ndjson", 1, Told(), seed=seed)
    write(tmp_path / "events.ndjson", events, Told(), seed=seed)
    with RunningPlatform(tmp_path / "killed") as killed, RunningPlatform(tmp_path / "calm") as calm:
        # One beginning for both, since identifiers are hashed with a key of the vault.
        killed.ran("migrate")
        killed.ran("workspaces", "create", "default")
        killed.ran("import", str(tmp_path / "first.ndjson"))
        subprocess.run(["cp", "-a", killed.data_dir, calm.data_dir], check=True)

        calm.ran("import", str(tmp_path / "events.ndjson"))
        loader = Loader(killed, tmp_path / "events.ndjson")
        for _ in range(kills):
            until_recorded(killed, chance.randint(1, events // kills // 2))
            if chance.random() < 0.5:
                killed.kill("postgres")
                noted.add(kills=1)
            loader.kill()
        loader.finish()

        assert rows_of(killed) == rows_of(calm)
        noted.add(kills=kills, events=events)


def rows_of(platform: RunningPlatform) -> list[Json]:
    """The digests of all its tables, once they are verified; the clock's minute aside."""
    every: list[Json] = platform.verified()["projections"]
    return [one for one in every if one["name"] != "control"]
