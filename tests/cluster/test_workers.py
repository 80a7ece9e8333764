"""Workers on Kafka that are killed, stopped and joined give the rows of one that never was."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import psutil
import pytest

from schemas.envelope import Recorded
from services.addresses import Addresses
from services.archive.access import Access
from services.fold.apply import Folds, apply
from services.fold.batch import Slice
from services.fold.postponing import MUCH
from services.log.open import open_log
from services.log.port import Entry, Stored
from services.ports import free_port
from services.projector.projections import READ_MODELS
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.programs import until
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.cluster.workers import Worker
from tests.histories import entry
from tests.integration.folding import MASTER_KEY, Engine, an_engine
from tests.platforms import environ
from tests.stories import a_story

PEOPLE: Final = 150
AT_ONCE: Final = 20
PAUSE_S: Final = 0.02
BETWEEN: Final = 100
"""Records folded between one kill and the next."""
PATIENCE_S: Final = 90.0
KNOWN_IDS: Final = """
    SELECT (SELECT count(*) FROM seen_young)
         + (SELECT coalesce(sum(length(ids)), 0) / 42 FROM seen_page)
"""


@pytest.fixture
def shared(bare: Urls, log_url: str) -> Iterator[Engine]:
    """Log, store and vault of the workers."""
    migrate(bare.owner)
    with an_engine(bare, log_url=log_url) as engine:
        yield engine


@pytest.fixture
def alone(urls: Urls, shared: Engine) -> Iterator[Engine]:
    """What one embedded loop makes of the same log, in PostgreSQL."""
    with an_engine(urls, vault=shared.vault) as engine:
        yield engine


class Scene:
    """A log that is told a story, and workers that fold it."""

    def __init__(self, engine: Engine, folder: Path, stack: ExitStack) -> None:
        self._engine, self._folder, self._stack = engine, folder, stack
        self._store = stack.enter_context(closing(PostgresStore(engine.urls.fold)))
        self._addresses = Addresses(engine.urls, engine.log_url, Access(""), MASTER_KEY)

    def worker(self, name: str) -> Worker:
        """One more."""
        return self._stack.enter_context(Worker(self._addresses, self._folder / name))

    def folded(self) -> int:
        """Records of which the rows tell."""
        return sum(self._store.checkpoints().values())

    def folds(self, count: int) -> None:
        """Wait until so many more are folded."""
        goal = self.folded() + count
        self.waits(lambda: self.folded() >= goal)

    def is_done(self) -> bool:
        """Whether nothing is left to fold, to settle, nor to say."""
        ends, came = self._engine.log.ends(), self._store.checkpoints()
        is_folded = all(came.get(partition, 0) >= end for partition, end in ends.items())
        is_settled = is_folded and not self._engine.rows("SELECT 1 FROM unsettled LIMIT 1")
        return is_settled and not self._engine.outbox.waiting(1)

    def waits(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        for _ in until(PATIENCE_S, every_s=0.02):
            if holds():
                return
        said = [path.read_text()[-3000:] for path in self._folder.iterdir() if path.is_file()]
        raise AssertionError("\n\n".join(said))


@contextmanager
def a_scene(engine: Engine, folder: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(engine, folder, stack)


@contextmanager
def telling(engine: Engine, events: Sequence[Recorded[Any]]) -> Iterator[None]:
    """Appends while the block is at work, some of it twice; all of it at its end."""
    with closing(open_log(engine.log_url)) as log:
        entries = [entry(event, log.partitions) for event in events]
        hurry = threading.Event()

        def tell() -> None:
            for first in range(0, len(entries), AT_ONCE):
                log.append([*entries[first : first + AT_ONCE], *entries[first : first + 1]])
                hurry.wait(PAUSE_S)

        thread = threading.Thread(target=tell)
        thread.start()
        try:
            yield
        finally:
            hurry.set()
            thread.join()


def has_shares(worker: Worker, count: int) -> bool:
    """Whether it was given that many by now."""
    return worker.shares >= count


def assert_as_alone(shared: Engine, alone: Engine, events: int) -> None:
    """Every event counted once, the sum holds, and one loop gives the same rows."""
    # Whoever ended last may have told the time once more.
    ends = {partition: end for partition, end in shared.store.checkpoints().items() if end}
    for partition, end in ends.items():
        records = shared.log.read(partition, 0, end)
        alone.log.append([Entry(partition, record.payload) for record in records])
    alone.fold()
    counted = shared.rows("SELECT partition, applied + duplicate, applied FROM checkpoint")
    assert {partition: told for partition, told, _ in counted if told} == ends
    assert sum(applied for *_, applied in counted) >= events
    assert shared.digests() == alone.digests()
    assert shared.rows(KNOWN_IDS) == alone.rows(KNOWN_IDS)
    assert shared.verified().is_ok


def test_two_workers_of_which_one_is_killed_give_the_rows_of_one(
    shared: Engine, alone: Engine, tmp_path: Path, campaign: Campaign
) -> None:
    number, kills = campaign.of((900, 2), (3_000, 5))
    chance = Random(campaign.seed)
    events = a_story(chance, events=number, people=PEOPLE, vault=shared.vault).events
    share = len(events) // (kills + 1)
    with a_scene(shared, tmp_path) as scene:
        first, second = scene.worker("first"), scene.worker("second")
        for kill in range(kills):
            shares = first.shares
            with telling(shared, events[kill * share :][:share]):
                scene.folds(BETWEEN)
                first.send(signal.SIGKILL)
            scene.waits(partial(has_shares, first, shares + 1))
        with telling(shared, events[kills * share :]):
            pass
        scene.waits(scene.is_done)
        codes = first.stop(), second.stop()

    assert codes == (0, 0)
    assert first.codes.count(-signal.SIGKILL) == kills
    assert_as_alone(shared, alone, len(events))


def test_of_a_backlog_rows_wait_and_are_those_of_one_though_a_worker_is_killed(
    shared: Engine, alone: Engine, tmp_path: Path, campaign: Campaign
) -> None:
    number, chance = campaign.of(3 * MUCH, 20 * MUCH), Random(campaign.seed + 2)
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


def test_a_stopped_worker_s_partitions_move_on_and_a_new_one_takes_its_share(
    shared: Engine, alone: Engine, tmp_path: Path, campaign: Campaign
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
