"""What was decided stands: a rebuild reads it back, decides nothing anew and sends nothing."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from services.fold.apply import Folds
from services.fold.rebuild import rebuild
from services.log.port import CONTROL
from services.projector.projections import READ_MODELS
from services.store.postgres import PostgresStore
from services.store.shadow import Shadow
from services.store.urls import Urls
from tests.integration.spending import Till, a_till

DECIDED = "SELECT customer_id::text, kind, value, event_id FROM live.decided ORDER BY 1, 2"


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        yield till


def a_year(till: Till) -> None:
    """Members who buy, rise, spend, and are heard of no more; told as it happens."""
    for month in range(12):
        if month < 5:
            for number in (1, 2, 3):
                order = f"o-{month}-{number}"
                till.tell(till.bought(order, 40_000 * number, f"user:{number}"))
        till.work()
        if month == 4:
            till.redeem("user:1", 30)
        till.clock.passes(days=30)
        till.tick()
        till.work()


def rebuilt(till: Till) -> None:
    """As ``touchline rebuild``, and then an engine that has just begun."""
    shadow = Shadow(till.urls.owner, "shadow")
    shadow.make()
    replaying = Folds(READ_MODELS, till.vault, is_replay=True)
    with closing(PostgresStore(till.urls.fold, schema=shadow.schema)) as store:
        rebuild(replaying, till.log, store, shadow, progress=lambda done, total: None)
    till.restart()


def test_a_rebuild_makes_the_same_decisions_and_sends_nothing(till: Till) -> None:
    till.publish(expiry={"rule": "rolling", "after": {"months": 6}})
    a_year(till)
    before, ends = till.rows(DECIDED), till.log.ends()
    assert {kind for _, kind, _, _ in before} >= {"tier", "expiring", "lifecycle:default"}

    rebuilt(till)
    sent = till.rows("SELECT * FROM touchline.outbox")
    till.clock.passes(minutes=1)
    till.tick()
    till.work()

    assert sent == []
    assert till.rows(DECIDED) == before
    assert till.log.ends() == {**ends, CONTROL: ends[CONTROL] + 1}
