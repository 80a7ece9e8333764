"""One story on both engines: the rows are the same, byte for byte."""

from collections.abc import Sequence
from random import Random
from typing import Any

from schemas.envelope import Recorded
from services.store.migrate import migrate
from services.store.urls import Urls
from tests.integration.folding import Engine, an_engine
from tests.stories import a_story

SEED = 1


def test_a_story_ends_in_the_same_digests_on_postgresql_and_on_kafka(
    urls: Urls, bare: Urls, log_url: str
) -> None:
    migrate(bare.owner)
    with (
        an_engine(urls) as embedded,
        an_engine(bare, log_url=log_url, vault=embedded.vault) as cluster,
    ):
        events = a_story(Random(SEED), events=300, vault=embedded.vault).events
        # Told in other batches and another order, and some of it twice.
        retold = [*events, *events[:50]]
        Random(SEED).shuffle(retold)

        lived(embedded, events, at_once=100)
        lived(cluster, retold, at_once=70)

        assert cluster.log.ends() != {}
        assert cluster.digests() == embedded.digests()
        assert cluster.verified().is_ok
        assert cluster.verified().projections == embedded.verified().projections


def lived(engine: Engine, events: Sequence[Recorded[Any]], *, at_once: int) -> None:
    """Append and fold by so many, then what the folds decided, until nothing is left to say."""
    for first in range(0, len(events), at_once):
        engine.append(events[first : first + at_once])
        engine.fold()
    while engine.relay():
        engine.fold()
