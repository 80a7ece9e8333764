"""Processes that die at each step of the batch transaction: it was, or it never was."""

from collections.abc import Mapping
from random import Random
from signal import SIGKILL

import pytest

from services.fold.apply import Folds, apply
from services.projector.projections import READ_MODELS
from services.store.migrate import migrate
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.cluster.deaths import DEATHS, died, next_batch
from tests.cluster.scenes import KNOWN_IDS
from tests.integration.folding import Engine, an_engine
from tests.reported import Fault, Noted
from tests.stories import a_story

BATCH = 25
SOME = 10


@pytest.mark.fault(Fault.DEATHS)
def test_a_batch_whose_process_dies_at_any_step_is_in_the_rows_whole_or_not_at_all(
    urls: Urls, bare: Urls, *, campaign: Campaign, noted: Noted
) -> None:
    chance = Random(campaign.seed)
    deaths = chance.sample(DEATHS, campaign.of(SOME, len(DEATHS)))
    migrate(bare.owner)
    # Processes of their own know the vault that is beside their rows.
    with an_engine(bare) as mortal, an_engine(urls, vault=mortal.vault) as alone:
        events = a_story(chance, events=BATCH * len(deaths), people=40, vault=alone.vault).events
        for engine in (alone, mortal):
            engine.append(events)
        alone.fold()

        for death in deaths:
            before = rows_of(mortal, campaign)
            code = died(mortal.urls, death)
            after = rows_of(mortal, campaign)
            assert code == -SIGKILL, f"it did not die {death}"
            assert (after != before) == death.is_too_late, death
            if not death.is_too_late:
                fold_a_batch(mortal)
        mortal.fold()

        assert len(DEATHS) >= 15
        assert mortal.digests() == alone.digests()
        assert mortal.account() == alone.account()
        assert mortal.verified().is_ok
        noted.add(kills=len(deaths), events=len(events))


def rows_of(engine: Engine, campaign: Campaign) -> Mapping[str, object]:
    """What a batch changes: all of it in the long form, what every batch changes in the short."""
    counted = engine.rows(KNOWN_IDS), engine.rows("SELECT sum(applied) FROM checkpoint")
    return {"counted": counted, **campaign.of(dict, engine.digests)()}


def fold_a_batch(engine: Engine) -> None:
    """The very batch in which another died."""
    batch = next_batch(engine.log, engine.store.checkpoints())
    apply(Folds(READ_MODELS, engine.vault), batch, engine.store)
