"""The batch handler amid everything that goes wrong, by seeds; the same seed is the same run."""

from collections import Counter
from random import Random

import pytest

from services.log.port import CONTROL
from services.store.port import Tally
from tests.campaign import Campaign
from tests.histories import fold, rows
from tests.reported import Fault, Noted
from tests.simulated import Platform
from tests.stories import a_story

EVENTS = 16
SHARES = 20
"""Seeds are tried in so many tests, that one which fails tells of few."""


def lived(seed: int) -> Platform:
    """A platform that came through a story; what its rows must be is told by a fold in peace."""
    random = Random(seed)
    history = a_story(random, events=EVENTS, people=5)
    platform = Platform(history, random)
    platform.run()

    assert rows(platform.store) == rows(fold(history.events, history.vault)), seed
    adds_up(platform, seed)
    return platform


def adds_up(platform: Platform, seed: int) -> None:
    """Each record is accounted for once, and each acknowledged event applied once."""
    tables, ends = platform.store.tables, platform.log.ends()
    counted = Tally(*map(sum, zip(Tally(), *tables.tallies.values(), strict=True)))
    assert sum(counted) == sum(ends.values()), seed
    assert {at: tables.checkpoints.get(at, 0) for at in ends} == dict(ends), seed
    told = {(event.source, event.id) for event in platform.acknowledged}
    assert counted.applied == len(told), (seed, counted)
    assert CONTROL in ends


@pytest.mark.fault(Fault.SIMULATION)
@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_dropped_repeated_delayed_or_half_written_rows_are_right(
    campaign: Campaign, share: int, noted: Noted
) -> None:
    happened: Counter[str] = Counter()
    seeds = range(share, campaign.of(500, 10_000), SHARES)

    for seed in seeds:
        platform = lived(campaign.seed * 1_000_000 + seed)
        happened += platform.chance.happened
        noted.add(events=len(platform.acknowledged))

    assert len(happened) == 12, happened
