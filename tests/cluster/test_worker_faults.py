"""Workers that come and go, whose clocks jump, or that are given records nobody can read."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import pytest

from services.commands.policies import defaults
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.port import Entry
from tests.campaign import Campaign
from tests.cluster.oracle import differences, folded, rows_in, rows_of
from tests.cluster.producing import START, batch
from tests.cluster.scenes import KNOWN_IDS, a_scene, assert_as_alone, has_shares, telling
from tests.cluster.workers import How
from tests.integration.folding import Engine
from tests.jumping import JumpingClock
from tests.reported import Fault, Noted
from tests.stories import a_story

BETWEEN: Final = 60
"""Records folded between one change and the next."""
WORKSPACE: Final = "shop"


@pytest.mark.fault(Fault.COMING_AND_GOING)
def test_workers_that_join_and_leave_all_the_time_fold_each_event_once(
    shared: Engine, alone: Engine, tmp_path: Path, *, campaign: Campaign, noted: Noted
) -> None:
    changes, chance = campaign.of(2, 15), Random(campaign.seed)
    events = a_story(chance, events=changes * 200, people=100, vault=shared.vault).events
    share = len(events) // changes
    with a_scene(shared, tmp_path) as scene:
        at_work = [scene.worker("worker-0")]
        for change in range(changes):
            before = scene.folded()
            with telling(shared, events[change * share :][:share]):
                if len(at_work) < 2 or (len(at_work) < 4 and chance.random() < 0.5):
                    joining = scene.worker(f"worker-{change + 1}")
                    at_work.append(joining)
                    scene.waits(partial(has_shares, joining, 1))
                else:
                    leaving = at_work.pop(chance.randrange(len(at_work)))
                    assert leaving.stop() == 0
                scene.folds(BETWEEN, since=before)
            noted.say(f"{change + 1} of {changes}, {len(at_work)} workers at work")
        scene.waits(scene.is_done)
        codes = {worker.stop() for worker in at_work}

    assert codes == {0}
    assert_as_alone(shared, alone, len(events))
    noted.add(events=len(events))


@pytest.mark.fault(Fault.CLOCKS)
def test_clocks_that_jump_change_no_row_but_the_time(
    shared: Engine, tmp_path: Path, campaign: Campaign, noted: Noted
) -> None:
    batches, size = campaign.of((4, 100), (40, 250))
    clock = JumpingClock(campaign.seed)
    posted = [batch(campaign.seed, each, size=size, people=40) for each in range(batches)]
    ruled = [(WORKSPACE, event) for event in defaults(WORKSPACE, "test", START)]
    with a_scene(shared, tmp_path) as scene:
        receive_control(ruled, START, vault=shared.vault, log=shared.log)
        for number in range(2):
            scene.worker(f"worker-{number}", How(jumps=campaign.seed + number))
        for raws in posted:
            before, told_at = scene.folded(), clock.now()
            producer = Producer(WORKSPACE, "write", "k", "DE")
            received = receive(raws, producer, told_at, vault=shared.vault, log=shared.log)
            assert not received.rejected
            scene.folds(size // 2, since=before)
        scene.waits(scene.is_done)

    ticks = shared.rows(KNOWN_IDS)[0][0] - batches * size
    oracle = folded(posted, shared.vault, workspace=WORKSPACE)
    assert ticks > campaign.of(2, 10), "time was told again and again"
    assert clock.jumps
    assert differences(rows_in(shared.urls), rows_of(oracle)) == {}
    assert shared.verified().is_ok
    noted.add(events=batches * size)


@pytest.mark.fault(Fault.RECORDS)
def test_records_that_can_t_be_decoded_are_dead_letters_and_hold_up_nobody(
    shared: Engine, alone: Engine, tmp_path: Path, *, campaign: Campaign, noted: Noted
) -> None:
    chance, number = Random(campaign.seed), campaign.of(300, 3_000)
    events = a_story(chance, events=number, people=60, vault=shared.vault).events
    broken = [
        Entry(chance.randrange(shared.log.partitions), chance.randbytes(chance.randrange(200)))
        for _ in range(number // 10)
    ]
    with ExitStack() as stack:
        scene = stack.enter_context(a_scene(shared, tmp_path))
        worker = scene.worker("worker")
        scene.waits(lambda: has_shares(worker, 1))
        with telling(shared, events):
            for entry in broken:
                shared.log.append([entry])
        scene.waits(scene.is_done)
        code = worker.stop()

    letters = shared.rows("SELECT count(*) FROM dead_letter")[0][0]
    dead = shared.rows("SELECT sum(dead_lettered) FROM checkpoint")[0][0]
    assert code == 0
    assert letters == dead == len(broken)
    assert_as_alone(shared, alone, len(events))
    noted.add(events=len(events))
