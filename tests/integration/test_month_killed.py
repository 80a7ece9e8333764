"""A month of a loyalty programme while engine, web and database are killed: it still adds up."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.campaign import Campaign
from tests.integration.running import PATIENCE_S, Json, Process, RunningPlatform
from tests.integration.storm import CLIENTS, Month, Storm, pending, rows
from tests.reported import Fault

SAMPLE: Final = """
from services.ingest.samples import cdnow
from services.main import app
every = cdnow.events
cdnow.events = lambda: (
    event for event in every() if int(event.identifiers[0].rpartition("-")[2]) <= %s
)
app(["sample", "cdnow", "--json"])
"""
"""The purchases of its first customers: each of theirs, over eighteen months."""
VICTIMS: Final[Sequence[Process]] = (
    "engine", "engine", "scorer", "engine", "engine",
    "postgres", "postgres", "postgres", "web", "web",
)  # fmt: skip
"""The web process seldom: nothing else goes on until it is back."""


@pytest.mark.fault(Fault.KILLS)
def test_a_month_of_spending_refunds_and_merges_adds_up_after_kills(
    tmp_path: Path, long_campaign: Campaign
) -> None:
    customers, seed = 120, long_campaign.seed
    month = Month(members=40, redemptions=1_000, refunds=60, regroupings=20, days=30)
    with RunningPlatform(tmp_path / "data") as platform:
        platform.start()
        storm = Storm(platform, month, seed=seed)
        storm.enrol()

        with platform.python("-c", SAMPLE % customers) as loader:
            with storm.raging():
                kill_at_random(platform, storm, random.Random(seed))
            said, _ = loader.communicate(timeout=PATIENCE_S)
        platform.wait_until(lambda: not pending(platform), "what was decided is folded")
        platform.settled()

        assert loader.returncode == 0, said
        assert storm.asked_again() == {key: one.answer for key, one in storm.redeemed.items()}
        assert_redeemed_once(platform, storm)
        assert_adds_up(platform, storm, customers)
        assert platform.verified()["ok"]


def kill_at_random(platform: RunningPlatform, storm: Storm, chance: random.Random) -> None:
    """``kill -9`` each, once who was killed lives again, anywhere among the redemptions."""
    moments = sorted(chance.sample(range(storm.month.redemptions - CLIENTS), len(VICTIMS)))
    for moment, name in zip(moments, chance.sample(VICTIMS, len(VICTIMS)), strict=True):
        storm.wait_for(moment)
        platform.wait_until(lambda name=name: name in platform.pids(), f"{name} lives")  # type: ignore[misc]
        platform.kill(name)


def assert_redeemed_once(platform: RunningPlatform, storm: Storm) -> None:
    """Each redemption that was answered is in the ledger, and no other."""
    query = "SELECT id FROM live.ledger WHERE type = 'points.redeemed' AND NOT is_void"
    answered = sorted(one.answer["redemption_id"] for one in storm.redeemed.values())
    assert len({*answered}) == storm.month.redemptions
    assert sorted(str(id_) for (id_,) in rows(platform, query)) == answered


def assert_adds_up(platform: RunningPlatform, storm: Storm, customers: int) -> None:
    """Of every customer: lots less debt, and the lines of the statement, are the balance."""
    query = "SELECT replace(customer_id::text, '-', '') FROM live.customer"
    ids = [str(id_) for (id_,) in rows(platform, query)]
    assert len(ids) > customers
    with ThreadPoolExecutor(CLIENTS) as threads:
        every = list(threads.map(lambda id_: explained(platform, id_), ids))
    total = sum(every, Counter[str]())
    assert total["redeemed"] == sum(one.points for one in storm.redeemed.values())
    assert total["reversed"] > 0, "points of what was given back are gone"


def explained(platform: RunningPlatform, customer_id: str) -> Counter[str]:
    """A customer's totals, once they are proven."""
    path = f"/v1/customers/{customer_id}/loyalty"
    told, stated = platform.get(path), platform.get(f"{path}/statement?limit=200")
    lots: Sequence[Json] = told["lots"]
    assert sum(lot["left"] for lot in lots) - told["debt"] == told["balance"], told
    assert len(stated["items"]) == stated["lines"], "all of it is on a page"
    assert sum(line["points"] for line in stated["items"]) == told["balance"] == stated["balance"]
    return Counter({word: told[word] for word in ("earned", "redeemed", "reversed", "expired")})
