"""Workers on Kafka that are killed, stopped and joined give the rows of one that never was."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import httpx
import psutil
import pytest

from services.fold.apply import Folds, apply
from services.fold.batch import Slice
from services.log.port import Stored
from services.ports import free_port
from services.projector.projections import READ_MODELS
from services.projector.share import MUCH
from services.store.programs import until
from tests.campaign import Campaign
from tests.cluster.scenes import PATIENCE_S, a_scene, assert_as_alone, has_shares, telling
from tests.histories import entry
from tests.integration.folding import MASTER_KEY, Engine
from tests.platforms import environ
from tests.reported import Fault, Noted
from tests.stories import a_story

PEOPLE: Final = 150
BETWEEN: Final = 100
"""Records folded between one kill and the next."""


@pytest.mark.fault(Fault.KILLS)
def test_two_workers_of_which_one_is_killed_give_the_rows_of_one(
    shared: Engine, alone: Engine, tmp_path: Path, *, long_campaign: Campaign, noted: Noted
) -> None:
    number, kills, chance = 3_000, 5, Random(long_campaign.seed)
    events = a_story(chance, events=number, people=PEOPLE, vault=shared.vault).events
    share = len(events) // (kills + 1)
    with a_scene(shared, tmp_path) as scene:
        first, second = scene.worker("first"), scene.worker("second")
        scene.waits(lambda: has_shares(first, 1) and has_shares(second, 1))
        for kill in range(kills):
            before = scene.folded()
            with telling(shared, events[kill * share :][:share]):
                scene.folds(BETWEEN, since=before)
                shares = first.shares
                first.send(signal.SIGKILL)
            scene.waits(partial(has_shares, first, shares + 1))
        with telling(shared, events[kills * share :]):
            pass
        scene.waits(scene.is_done)
        codes = first.stop(), second.stop()

    assert codes == (0, 0)
    assert first.kills == kills
    assert_as_alone(shared, alone, len(events))
    noted.add(kills=kills, events=len(events))


@pytest.mark.fault(Fault.KILLS)
def test_of_a_backlog_rows_wait_and_are_those_of_one_though_a_worker_is_killed(
    shared: Engine, alone: Engine, tmp_path: Path, campaign: Campaign, *, noted: Noted
) -> None:
    number, chance = campaign.of(2 * MUCH, 8 * MUCH), Random(campaign.seed + 2)
    events = a_story(chance, events=number, people=PEOPLE, vault=shared.vault).events
    shared.append(events)
    waited: list[int] = []
    with a_scene(shared, tmp_path) as scene:
        first, second = scene.worker("first"), scene.worker("second")
        for _ in until(PATIENCE_S, every_s=0.02):
            [(unsettled,)] = shared.rows("SELECT count(*) FROM unsettled")
            waited.append(unsettled)
            if unsettled > PEOPLE // 3:
                break
        shares = first.shares
        first.send(signal.SIGKILL)
        scene.waits(partial(has_shares, first, shares + 1))
        scene.waits(scene.is_done)
        codes = first.stop(), second.stop()

    assert max(waited) > PEOPLE // 3
    assert codes == (0, 0)
    assert_as_alone(shared, alone, len(events))
    noted.add(kills=1, events=len(events))


@pytest.mark.fault(Fault.ZOMBIES)
def test_a_stopped_worker_s_partitions_move_on_and_a_new_one_takes_its_share(
    shared: Engine, alone: Engine, tmp_path: Path, *, campaign: Campaign, noted: Noted
) -> None:
    number, chance = campaign.of(900, 3_000), Random(campaign.seed + 1)
    events = a_story(chance, events=number, people=PEOPLE, vault=shared.vault).events
    half = len(events) // 2
    with a_scene(shared, tmp_path) as scene:
        first, second = scene.worker("first"), scene.worker("second")
        with telling(shared, events[:half]):
            scene.folds(BETWEEN)
            first.send(signal.SIGSTOP)
            third = scene.worker("third")
        # All of it, though the first has a part in hand and its session is long over.
        scene.waits(scene.is_done)
        with telling(shared, events[half:]):
            first.send(signal.SIGCONT)
        scene.waits(scene.is_done)
        codes = first.stop(), second.stop(), third.stop()

    assert codes == (0, 0, 0)
    assert_as_alone(shared, alone, len(events))
    noted.add(events=len(events))


def test_a_worker_whose_partition_was_folded_by_another_ends_and_goes_on_from_there(
    shared: Engine, alone: Engine, tmp_path: Path
) -> None:
    events = a_story(Random(4), events=300, vault=shared.vault).events
    entries = [entry(event, shared.log.partitions) for event in events]
    now = datetime.now(UTC)
    # Which have any depends on the vault's key.
    busy = max(one.partition for one in entries)
    of_one = [one for one in entries if one.partition == busy]
    records = [Stored(offset, now, one.payload) for offset, one in enumerate(of_one)]
    with a_scene(shared, tmp_path) as scene:
        worker = scene.worker("worker")
        scene.waits(partial(has_shares, worker, 1))
        # Before the log has them, and so before the worker can.
        apply(Folds(READ_MODELS, shared.vault), [Slice(busy, 0, records)], shared.store)
        shared.log.append(of_one)
        scene.waits(partial(has_shares, worker, 2))
        shared.log.append([one for one in entries if one.partition != busy])
        scene.waits(scene.is_done)
        worker.stop()

    assert worker.codes == [1, 0]
    assert f"NotOurs: partition {busy} is at" in worker.said
    assert_as_alone(shared, alone, len(events))


def test_the_command_folds_listens_for_probes_alone_leaves_no_files_and_ends(
    shared: Engine, tmp_path: Path
) -> None:
    port = free_port()
    named = {
        "STORE_URL": shared.urls.fold,
        "STORE_QUERY_URL": shared.urls.query,
        "LOG_URL": shared.log_url,
        # Nobody is there: only timelines need it.
        "ARCHIVE_URL": f"http://touchline:none@127.0.0.1:{free_port()}/touchline",
        "MASTER_KEY": MASTER_KEY.hex(),
        "METRICS_PORT": str(port),
        "DATA_DIR": str(tmp_path / "nothing"),
    }
    (tmp_path / "here").mkdir()
    given = {f"TOUCHLINE_{name}": value for name, value in named.items()}
    with (tmp_path / "said").open("wb") as said_in_logs:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.main", "projector"],
            cwd=tmp_path / "here",
            env={**environ(), **given, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=said_in_logs,
        )
    try:
        shared.append(a_story(Random(3), events=50, vault=shared.vault).events)
        with a_scene(shared, tmp_path) as scene:
            scene.waits(lambda: process.poll() is not None or scene.is_done())
        found = psutil.Process(process.pid).net_connections()
        listens = {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}
        said = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).json()
    finally:
        process.terminate()
        code = process.wait(PATIENCE_S)

    assert code == 0
    assert (said["status"], said["work"]) == ("alive", "working")
    assert listens == {port}
    assert [*(tmp_path / "here").iterdir()] == []
    assert not (tmp_path / "nothing").exists()
