"""Freshness: who waits goes on as soon as it may, and hears why when it may not."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import Refused, Timeout, Unavailable
from services.log.memory import MemoryLog
from services.log.port import Entry, Position
from services.query.freshness import Freshness

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """Noon, until somebody moves it."""

    at = NOON

    def now(self) -> datetime:
        return self.at


class Applied:
    """How far reads have come, and how often it was asked."""

    async def was_asked(self) -> None:
        """Return once somebody has looked."""
        assert await asyncio.to_thread(self.looked.wait, 10)

    def __init__(self) -> None:
        self.position: Position = {}
        self.error: Exception | None = None
        self.asked = 0
        self.looked = threading.Event()

    def __call__(self) -> Position:
        self.asked += 1
        self.looked.set()
        if self.error:
            raise self.error
        return self.position


@pytest.fixture
def applied() -> Applied:
    return Applied()


@pytest.fixture
def fresh(applied: Applied) -> Freshness:
    return Freshness(applied, MemoryLog(4, Clock()), Clock())


def test_what_is_applied_already_is_not_waited_for(fresh: Freshness, applied: Applied) -> None:
    fresh.saw({1: 5})

    asyncio.run(fresh.wait({1: 5}))

    assert applied.asked == 0


def test_all_who_wait_share_one_look(fresh: Freshness, applied: Applied) -> None:
    async def many() -> None:
        waiting = [asyncio.create_task(fresh.wait({1: n % 3 + 1})) for n in range(50)]
        await applied.was_asked()
        applied.position = {1: 3}
        await asyncio.gather(*waiting)

    asyncio.run(many())
    fresh.close()

    assert applied.asked < 50


def test_who_waits_too_long_is_told_so(fresh: Freshness) -> None:
    with pytest.raises(Timeout):
        asyncio.run(fresh.wait({1: 1}, timeout_s=0.02))
    fresh.close()


def test_nobody_looks_once_nobody_waits(fresh: Freshness, applied: Applied) -> None:
    with pytest.raises(Timeout):
        asyncio.run(fresh.wait({1: 1}, timeout_s=0.02))
    fresh.close()
    asked = applied.asked

    assert not fresh._waiters
    assert asked < 30


def test_a_store_that_is_away_ends_the_waiting(fresh: Freshness, applied: Applied) -> None:
    applied.error = Unavailable("away")

    with pytest.raises(Unavailable):
        asyncio.run(fresh.wait({1: 1}))
    fresh.close()


def test_a_partition_that_does_not_exist_is_refused(fresh: Freshness) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(fresh.wait({4: 1}))

    assert refused.value.problem.field == "Touchline-Wait-For"


def test_a_process_that_stops_lets_go_of_who_waits(fresh: Freshness, applied: Applied) -> None:
    async def stopped() -> None:
        waiting = asyncio.create_task(fresh.wait({1: 1}))
        await applied.was_asked()
        await asyncio.to_thread(fresh.close)
        await waiting

    with pytest.raises(Unavailable):
        asyncio.run(stopped())


def test_the_lag_is_the_age_of_the_oldest_record_not_applied(applied: Applied) -> None:
    clock = Clock()
    log = MemoryLog(4, clock)
    fresh = Freshness(applied, log, clock)
    log.append([Entry(1, b"a")])
    clock.at = NOON + timedelta(seconds=7)
    log.append([Entry(2, b"b"), Entry(1, b"c")])
    clock.at = NOON + timedelta(seconds=9)

    assert fresh.measure() == 9
    applied.position = {1: 1}
    assert fresh.measure() == 2
    applied.position = {1: 2, 2: 1}
    assert fresh.measure() == 0


def test_the_lag_told_with_answers_outlives_a_log_that_is_away(applied: Applied) -> None:
    fresh = Freshness(applied, MemoryLog(4, Clock()), Clock())
    applied.error = Unavailable("away")

    assert fresh.lag_s() == 0
