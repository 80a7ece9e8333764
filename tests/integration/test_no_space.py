"""No space left for PostgreSQL: what was acknowledged is kept, and counts once there is room."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from services.errors import Unavailable
from services.ingest.accept import Producer
from services.ingest.receive import receive
from services.store.programs import Account
from services.store.urls import Urls
from tests.campaign import Campaign
from tests.cluster.oracle import differences, folded, rows_in, rows_of
from tests.cluster.producing import batch
from tests.databases import TEMPLATE, Databases
from tests.disks import resize, small_disk
from tests.integration.folding import Engine, an_engine
from tests.integration.running import RunningPlatform
from tests.integration.telling import Teller, Told, assert_each_once
from tests.reported import Fault, Noted

AT_ONCE: Final = 40
LITTLE_MB: Final = 2
"""Room for a few batches."""
ROOM_MB: Final = 400
PLATFORM_MB: Final = 900
WORKSPACE: Final = "shop"
PRODUCER: Final = Producer(WORKSPACE, "write", "k", "DE")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    with small_disk(tmp_path / "disk", size_mb=100) as disk:
        yield disk


@pytest.fixture
def cramped(server: Urls, databases: Databases, disk: Path) -> Iterator[Urls]:
    """A database whose tables have little room to grow."""
    place, name = sql.Literal(str(disk)), sql.Identifier(f"cramped_{os.getpid()}")
    with psycopg.connect(server.of("postgres").owner, autocommit=True) as connection:
        home = connection.execute("SHOW data_directory").fetchone()
        assert home is not None
        Account.of(Path(home[0])).own(disk)
        connection.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, place))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} TABLESPACE {} STRATEGY file_copy").format(
                name, sql.Identifier(TEMPLATE), name
            )
        )
        resize(disk, size_mb=(shutil.disk_usage(disk).used >> 20) + LITTLE_MB)
        try:
            yield server.of(f"cramped_{os.getpid()}")
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(name))


@pytest.mark.fault(Fault.SPACE)
def test_events_are_refused_while_tables_can_t_grow_and_count_once_when_they_can(
    cramped: Urls, disk: Path, campaign: Campaign, noted: Noted
) -> None:
    times = campaign.of(1, 4)
    with an_engine(cramped) as engine:
        batches = told_until_full(engine, campaign.seed, 0)
        for number in range(times):
            room = ROOM_MB if number == times - 1 else LITTLE_MB
            resize(disk, size_mb=(shutil.disk_usage(disk).used >> 20) + room)
            if number < times - 1:
                batches = told_until_full(engine, campaign.seed, batches)
        tell(engine, posted(campaign.seed, batches))
        engine.fold()

        events = (batches + 1) * AT_ONCE
        account = engine.account()
        noted.add(events=events, lost=max(0, events - account.applied))
        told = (posted(campaign.seed, number) for number in range(batches + 1))
        oracle = folded(told, engine.vault, workspace=WORKSPACE)
        assert account.in_flight == account.dead_lettered == 0
        assert account.applied == events
        assert differences(rows_in(engine.urls), rows_of(oracle)) == {}
        assert engine.verified().is_ok


def posted(seed: int, number: int) -> Sequence[bytes]:
    """A batch of events."""
    return batch(seed, number, size=AT_ONCE, people=300)


def tell(engine: Engine, raws: Sequence[bytes]) -> None:
    """Return once they are in the log."""
    receive(raws, PRODUCER, datetime.now(UTC), vault=engine.vault, log=engine.log)


def told_until_full(engine: Engine, seed: int, batches: int) -> int:
    """Tell and fold until no more can be told; gives how many batches were acknowledged by then."""
    loop = engine.loop()
    while has_room(partial(tell, engine, posted(seed, batches))):
        batches += 1
        has_room(loop.once)
    has_room(engine.fold)
    return batches


def has_room(ask: Callable[[], object]) -> bool:
    """Whether what is asked for is done; if not it is for want of space."""
    try:
        ask()
    except Unavailable as cause:
        if "No space left" not in str(cause):
            raise
        return False
    return True


@pytest.mark.fault(Fault.SPACE)
def test_a_platform_whose_whole_disk_was_full_has_each_acknowledged_event_once(
    tmp_path: Path, long_campaign: Campaign, noted: Noted
) -> None:
    told = Told()
    with (
        small_disk(tmp_path / "data", size_mb=PLATFORM_MB) as disk,
        RunningPlatform(disk) as platform,
    ):
        platform.start()
        with Teller(platform, told, seed=long_campaign.seed) as teller:
            for _ in range(3):
                before = len(told.ids)
                platform.wait_until(lambda n=before: len(told.ids) > n + 50, "much was told")  # type: ignore[misc]
                with filled(disk):
                    refused = teller.answers[503] + teller.answers[0]
                    platform.wait_until(
                        lambda n=refused: teller.answers[503] + teller.answers[0] > n + 5,  # type: ignore[misc]
                        "nothing is taken in any more",
                    )
                platform.wait_until(platform.is_ready, "it can serve again")
        status = platform.settled()

        assert_each_once(platform, told, status)
        noted.add(events=len(told.ids))


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Nothing is left of it while the block lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        while free := shutil.disk_usage(disk).free:
            # Others write meanwhile.
            with suppress(OSError):
                file.write(bytes(min(free, 1 << 20)))
                file.flush()
    try:
        yield
    finally:
        ballast.unlink()
