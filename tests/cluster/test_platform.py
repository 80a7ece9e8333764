"""The whole platform over Kafka: real processes, some of them killed while events come in."""

from pathlib import Path

import pytest

from tests.campaign import Campaign
from tests.cluster.broker import Broker
from tests.integration.running import RunningPlatform
from tests.integration.telling import Teller, Told, assert_each_once
from tests.reported import Fault, Noted


@pytest.mark.fault(Fault.KILLS)
def test_each_event_counts_once_though_broker_and_engine_were_killed(
    mortal: Broker, tmp_path: Path, long_campaign: Campaign, noted: Noted
) -> None:
    told, between = Told(), 100
    # A topic of its own: what another vault sealed would be dead letters here.
    url = f"kafka://{mortal.server}/events-{tmp_path.name}"
    with RunningPlatform(tmp_path / "data", log_url=url) as platform:
        platform.start()

        with Teller(platform, told, seed=long_campaign.seed):
            platform.wait_until(lambda: len(told.ids) > between, "much was told")
            platform.kill("engine")
            mortal.kill()
            mortal.start()
            before = len(told.ids)
            platform.wait_until(lambda: len(told.ids) > before + between, "it goes on")

        assert_each_once(platform, told, platform.settled())
        noted.add(kills=2, events=len(told.ids))
