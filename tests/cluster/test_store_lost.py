"""PostgreSQL lost altogether: rows come back from the log on Kafka and the vault's backup."""

import json
import shutil
from pathlib import Path
from typing import Any

from schemas.codec import decode
from services.log.open import open_log
from services.log.port import CONTROL
from tests.campaign import Campaign
from tests.integration.keeping import bought
from tests.integration.running import RunningPlatform
from tests.platforms import touchline

MAKE_KEY = ("keys", "create", "--workspace", "default", "--kind", "secret", "--json")


def test_a_store_that_was_lost_is_folded_from_the_log_and_the_vault_s_backup(
    log_url: str, tmp_path: Path, campaign: Campaign
) -> None:
    vault = tmp_path / "vault"
    with RunningPlatform(tmp_path / "data", log_url=log_url) as platform:
        platform.start()
        platform.post([bought(f"o-{number}") for number in range(90)])
        platform.post([bought("o-1") | {"source": "web"}, bought("o-2") | {"personal": {}}])
        platform.settled()
        platform.stop()
        platform.ran("backup", "--vault", str(vault))
        before = platform.verified()
        told, ends = told_in(log_url), ends_of(log_url)
    shutil.rmtree(tmp_path / "data")

    with RunningPlatform(tmp_path / "new", log_url=log_url) as other:
        early = run(other, "rebuild", "--lost")
        shutil.rmtree(tmp_path / "new")
        other.ran("restore", "--vault", str(vault))
        rebuilt = json.loads(other.ran("rebuild", "--lost", "--json").splitlines()[-1])
        again = run(other, "rebuild", "--lost")
        after = other.verified()

        assert (early[0], "the vault opens nothing" in early[1]) == (2, True)
        assert rebuilt["records"] == sum(ends.values())
        assert (again[0], "there are already" in again[1].replace("\n", " ")) == (1, True)
        assert (after["projections"], after["position"]) == (
            before["projections"],
            before["position"],
        )

        shown = json.loads(other.ran("customers", "show", "user:1", "--json").splitlines()[-1])
        assert shown["name"] == "Shopper 1"
        if campaign.is_long:
            tells_nothing_twice(other, told)


def tells_nothing_twice(platform: RunningPlatform, told: set[tuple[str, str, str]]) -> None:
    """Scores are worked out anew and told again, under the same ids: nobody counts them twice."""
    platform.start()
    # Its keys are lost with it: new ones are made, in the workspace that the log tells of.
    made = platform.ran(*MAKE_KEY)
    platform.keys = {"secret": json.loads(made.splitlines()[-1])["key"]}
    platform.settled()
    assert told_in(platform.log_url) == told


def ends_of(log_url: str) -> dict[int, int]:
    log = open_log(log_url)
    try:
        return dict(log.ends())
    finally:
        log.close()


def told_in(log_url: str) -> set[tuple[str, str, str]]:
    """Source, id and type of all events, what time does to control's partition apart."""
    log = open_log(log_url)
    try:
        records = [
            decode(stored.payload)
            for partition, end in log.ends().items()
            if partition != CONTROL
            for stored in log.read(partition, 0, end or 1)
        ]
    finally:
        log.close()
    return {(one.source, one.id, one.type) for one in records}


def run(platform: RunningPlatform, *arguments: str) -> tuple[int, str]:
    settings: dict[str, Any] = {
        "TOUCHLINE_DATA_DIR": str(platform.data_dir),
        "TOUCHLINE_LOG_URL": platform.log_url,
    }
    return touchline(*arguments, **settings)
