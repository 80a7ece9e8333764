"""A real data set loaded into the running platform while all of it is killed."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

import pytest

from services.fold.decisions import SOURCE
from services.log.port import CONTROL
from tests.campaign import Campaign
from tests.integration.running import PATIENCE_S, Process, RunningPlatform
from tests.integration.telling import archive_of, log_of, recorded
from tests.reported import Fault, Noted

EVERYTHING: Final[tuple[Process, ...]] = (
    "up", "web", "engine", "archive", "scorer", "postgres",
)  # fmt: skip
SAMPLE: Final = """
from itertools import islice
from services.ingest.samples import cdnow
from services.main import app
every = cdnow.events
cdnow.events = lambda: islice(every(), %s)
app(["sample", "cdnow", "--json"])
"""
"""The first of 69,659 purchases: all of them would take a minute."""
IN_STEP: Final = """
from services.ingest import room
room.ALONE = room.BESIDE = room.Pace(100, 200)
"""
"""With the folds: else few are in the log all at once, and nothing is left to be killed."""


@pytest.mark.fault(Fault.KILLS)
def test_a_sample_killed_with_all_of_the_platform_is_loaded_once_and_verifies(
    tmp_path: Path, long_campaign: Campaign, noted: Noted
) -> None:
    purchases, chance = 20_000, Random(long_campaign.seed)
    with RunningPlatform(tmp_path / "data") as platform:
        platform.start()

        begun = chance.randint(purchases // 8, purchases // 2)
        loader = platform.python("-c", IN_STEP + SAMPLE % purchases)
        platform.wait_until(lambda: recorded(platform) >= begun, "it loads")
        platform.kill(*EVERYTHING)
        loader.kill()
        loader.communicate()
        platform.start()
        before = bought(log_of(platform))
        rest, again = loaded(platform, purchases), loaded(platform, purchases)
        status = platform.settled()

        assert 0 < len(before) < purchases, "it was at work"
        assert (rest, again) == (purchases, purchases)
        applied = log_of(platform)
        assert (len(bought(applied)), {*applied.values()}) == (purchases, {1})
        assert archive_of(platform) == applied
        partitions = [row for row in status["partitions"] if row["partition"] != CONTROL]
        assert sum(row["applied"] for row in partitions) == len(applied)
        assert platform.verified()["ok"]
        noted.add(kills=len(EVERYTHING) + 1, events=purchases)


def bought(applied: Mapping[tuple[str, str], int]) -> set[tuple[str, str]]:
    """The events that the sample told, not what was decided of them."""
    return {one for one in applied if one[0] != SOURCE}


def loading(platform: RunningPlatform, purchases: int) -> subprocess.Popen[str]:
    """``touchline sample cdnow``, cut short."""
    return platform.python("-c", SAMPLE % purchases)


def loaded(platform: RunningPlatform, purchases: int) -> int:
    """How many events of the sample were accepted, once what was left of it is loaded."""
    said, _ = loading(platform, purchases).communicate(timeout=PATIENCE_S)
    (outcome,) = json.loads(said[said.index("\n{") :] if "\n{" in said else said)["loads"]
    assert outcome["is_done"]
    return int(outcome["accepted"])
