"""A cluster at work, any part of which is killed at any moment: each event counts once."""

from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from services.log.port import CONTROL
from tests.campaign import Campaign
from tests.cluster.broker import Broker
from tests.cluster.clusters import PARTS, WORKSPACE, Cluster
from tests.cluster.oracle import differences, folded, rows_in, rows_of
from tests.cluster.producing import SOURCE, Teller, batch, id_of
from tests.integration.folding import an_engine
from tests.integration.telling import applied_in, archived_in
from tests.reported import Fault, Noted


class Scale(NamedTuple):
    """How large it is."""

    batches: int
    size: int
    people: int
    moments: int
    """At which something is killed."""


LONG: Final = Scale(batches=500, size=1_000, people=5_000, moments=70)
SHORT: Final = Scale(batches=20, size=100, people=200, moments=5)
AT_A_MOMENT: Final = (1, 1, 2, 3)
"""How many parts die at once."""


@pytest.mark.fault(Fault.KILLS)
def test_whatever_of_a_cluster_is_killed_every_acknowledged_event_counts_once(
    mortal: Broker, tmp_path: Path, campaign: Campaign, noted: Noted
) -> None:
    scale, seed = campaign.of(SHORT, LONG), campaign.seed
    with ExitStack() as stack:
        cluster = Cluster(mortal, tmp_path, stack)
        teller = stack.enter_context(
            Teller(cluster.url, cluster.key, seed=seed, size=scale.size, people=scale.people)
        )
        teller.begin(scale.batches)
        kill_now_and_then(cluster, teller, campaign, noted)
        teller.enough()
        noted.say(f"{teller.events:,} events are acknowledged")
        cluster.waits(cluster.is_done, "all is folded, told and archived")
        codes = cluster.stop()

        told = {(SOURCE, id_of(number)) for number in range(teller.events)}
        applied = applied_in(cluster.addresses)
        counted = {one: count for one, count in applied.items() if one[0] == SOURCE}
        noted.add(
            kills=cluster.kills.total(),
            events=len(told),
            lost=len(told - counted.keys()),
            doubled=sum(count > 1 for count in counted.values()),
        )
        assert codes == dict.fromkeys(codes, 0)
        assert counted == dict.fromkeys(told, 1)
        assert archived_in(cluster.addresses) == applied
        noted.say("log and archive have each once")
        adds_up(cluster)
        rows_are_right(cluster, teller)
        noted.say("rows are those of the oracle, and verified")


def kill_now_and_then(cluster: Cluster, teller: Teller, campaign: Campaign, noted: Noted) -> None:
    """At random moments, between which about the same share of all events is folded."""
    scale, chance = campaign.of(SHORT, LONG), Random(campaign.seed)
    share = scale.batches * scale.size // (scale.moments + 1)
    for moment in range(scale.moments):
        goal = teller.folded + chance.randint(1, 2 * share)

        def is_there(goal: int = goal) -> bool:
            teller.check()
            teller.folded = cluster.folded() or teller.folded
            return teller.folded >= goal

        cluster.waits(is_there, f"{goal} records are folded")
        names = chance.sample(PARTS, chance.choice(AT_A_MOMENT))
        cluster.kill(names)
        noted.say(
            f"{moment + 1} of {scale.moments}, {cluster.kills.total()} kills, "
            f"{teller.folded:,} records folded, {', '.join(names)} killed"
        )


def adds_up(cluster: Cluster) -> None:
    """accepted = applied + duplicate, in each partition; the last minutes told may be in flight."""
    ends = {at: end for at, end in cluster.ends().items() if end}
    found = cluster.rows("SELECT partition, applied + duplicate, dead_lettered FROM checkpoint")
    counts = {at: count for at, count, _ in found if count}
    assert counts[CONTROL] <= ends[CONTROL]
    assert counts | {CONTROL: 0} == ends | {CONTROL: 0}
    assert sum(dead for *_, dead in found) == 0


def rows_are_right(cluster: Cluster, teller: Teller) -> None:
    """They are what the oracle has, and what the log gives again."""
    numbers = range(teller.acknowledged)
    posted = (batch(teller.seed, each, size=teller.size, people=teller.people) for each in numbers)
    with an_engine(cluster.addresses.store, log_url=cluster.addresses.log) as engine:
        oracle = folded(posted, engine.vault, workspace=WORKSPACE)
        assert differences(rows_in(engine.urls), rows_of(oracle)) == {}
        assert engine.verified().is_ok
