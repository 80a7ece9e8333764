"""The whole platform over Kafka: real processes, some of them killed while events come in."""

from pathlib import Path

from tests.cluster.broker import Broker
from tests.integration.running import RunningPlatform
from tests.integration.telling import Teller, Told, assert_each_once

TOLD = 100
"""Acknowledged events between what happens."""


def test_each_event_counts_once_though_broker_and_engine_were_killed(
    mortal: Broker, tmp_path: Path
) -> None:
    told = Told()
    url = f"kafka://{mortal.server}"
    with RunningPlatform(tmp_path / "data", log_url=url) as platform:
        platform.start()

        with Teller(platform, told, seed=5):
            platform.wait_until(lambda: len(told.ids) > TOLD, "much was told")
            platform.kill("engine")
            mortal.kill()
            mortal.start()
            before = len(told.ids)
            platform.wait_until(lambda: len(told.ids) > before + TOLD, "it goes on")

        assert_each_once(platform, told, platform.settled())
