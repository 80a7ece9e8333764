"""Several workers beside each other, on one store: the rows are those that one alone writes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from random import Random
from typing import Final

import pytest
from psycopg.conninfo import make_conninfo

from services.errors import Unavailable
from services.fold.apply import Folds, apply
from services.fold.batch import Slice
from services.fold.due import MOST, settle_due
from services.log.port import CONTROL
from services.projector.projections import READ_MODELS
from services.store.holds import Beside
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.integration.folding import Engine, an_engine
from tests.stories import a_story

WORKERS: Final = 4
PATIENCE_S: Final = 60.0


@contextmanager
def beside(url: str, **options: str) -> Iterator[PostgresStore]:
    """The store of one worker."""
    with closing(PostgresStore(make_conninfo(url, **options), holds=Beside)) as store:
        yield store


def fold_share(engine: Engine, partitions: Sequence[int], chance: Random, backlog: float) -> int:
    """Fold all of some partitions, by batches of one; how often somebody was in the way.

    So many of the batches are taken for a backlog's; rows that wait are settled now and then.
    """
    folds, refused = Folds(READ_MODELS, engine.vault), 0
    ends = engine.log.ends()
    at = dict.fromkeys(partitions, 0)
    with beside(engine.urls.fold) as store:
        while waiting := [partition for partition in partitions if at[partition] < ends[partition]]:
            partition = chance.choice(waiting)
            limit = chance.randrange(1, 40)
            piece = Slice(
                partition, at[partition], engine.log.read(partition, at[partition], limit)
            )
            try:
                apply(folds, [piece], store, is_backlog=chance.random() < backlog)
                if chance.random() < backlog / 5:
                    settle(folds, store, chance.randrange(1, 20))
            except Unavailable:
                refused += 1
                continue
            finally:
                at[partition] = store.checkpoints().get(partition, 0)
            if partition == CONTROL:
                while settle(folds, store):
                    pass
        while settle(folds, store):
            pass
    return refused


def settle(folds: Folds, store: PostgresStore, at_most: int = MOST) -> bool:
    """Settle some; whether there may be more, as where somebody was in the way."""
    try:
        return settle_due(folds, store, at_most) > 0
    except Unavailable:
        return True


@pytest.mark.parametrize("backlog", [0, 0.6, 1], ids=["a trickle", "some wait", "all wait"])
def test_workers_that_share_customers_give_the_rows_of_one(
    urls: Urls, bare: Urls, campaign: Campaign, backlog: float
) -> None:
    seed, count = campaign.seed, campaign.of(150, 800)
    migrate(bare.owner)
    with an_engine(urls) as alone, an_engine(bare, vault=alone.vault) as shared:
        events = a_story(Random(seed), events=count, people=30, vault=alone.vault).events
        alone.append(events)
        alone.fold()
        shared.append(events)

        with ThreadPoolExecutor(WORKERS) as threads:
            working = [
                threads.submit(
                    fold_share,
                    shared,
                    range(worker, 16, WORKERS),
                    Random(seed + worker),
                    backlog,
                )
                for worker in range(WORKERS)
            ]
            refused = sum(work.result() for work in working)

        assert refused < len(events)
        assert shared.rows("SELECT * FROM unsettled") == []
        assert shared.digests() == alone.digests()
        assert shared.verified().is_ok
