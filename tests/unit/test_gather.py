"""Gather: what waits goes together, and nobody answers for another."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Final

import pytest

from services.errors import Unavailable
from services.ingest import gather as gather_module
from services.ingest.gather import Gather, Posted
from services.ingest.receive import Received
from services.store.tenants import FoundKey

KEY: Final = FoundKey("k_1", "shop", "write", "DE", "Europe/Berlin", "EUR")


class Disk:
    """Takes what it is given, once it is released; notes what came together."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.is_busy, self.is_released = threading.Event(), threading.Event()

    def receive_each(self, requests: Sequence[Posted]) -> Sequence[Received]:
        group = [bytes(raw) for _, raws in requests for raw in raws]
        self.groups.append(group)
        self.is_busy.set()
        assert self.is_released.wait(10)
        if b"away" in group:
            raise Unavailable("connection refused")
        if b"bug" in group:
            raise ZeroDivisionError
        return [Received((), (), {number: 1}) for number, _ in enumerate(requests)]


def outcomes(disk: Disk, first: bytes, *others: bytes) -> list[Received | BaseException]:
    """Post ``first``, and ``others`` while the disk is busy with it."""

    async def run() -> list[Received | BaseException]:
        gather = Gather(disk.receive_each)
        tasks = [asyncio.create_task(gather.receive((KEY, [first])))]
        await asyncio.to_thread(disk.is_busy.wait, 10)
        tasks += [asyncio.create_task(gather.receive((KEY, [raw]))) for raw in others]
        # Once around the loop, every task has put its request into the queue.
        await asyncio.sleep(0)
        disk.is_released.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(run())


def test_what_came_while_the_disk_was_busy_goes_together() -> None:
    disk = Disk()

    told = outcomes(disk, b"1", b"2", b"3", b"4")

    assert disk.groups == [[b"1"], [b"2", b"3", b"4"]]
    assert told == [Received((), (), {number: 1}) for number in (0, 0, 1, 2)]


def test_a_disk_that_is_away_is_told_to_everybody_in_the_group() -> None:
    disk = Disk()

    told = outcomes(disk, b"1", b"2", b"away", b"3")

    assert [type(each) for each in told] == [Received, Unavailable, Unavailable, Unavailable]


def test_a_bug_that_one_request_meets_is_nobody_elses() -> None:
    disk = Disk()

    told = outcomes(disk, b"1", b"2", b"bug", b"3")

    assert [type(each) for each in told] == [Received, Received, ZeroDivisionError, Received]


def test_a_group_has_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather_module, "MAX_REQUESTS", 2)
    disk = Disk()

    outcomes(disk, b"1", b"2", b"3", b"4")

    assert disk.groups == [[b"1"], [b"2", b"3"], [b"4"]]


def test_too_many_that_wait_are_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather_module, "MAX_WAITING", 2)
    disk = Disk()

    told = outcomes(disk, b"1", b"2", b"3", b"4")

    assert [type(each) for each in told] == [Received, Received, Received, Unavailable]


def test_a_caller_who_left_stops_nobody() -> None:
    disk = Disk()

    async def run() -> Received:
        gather = Gather(disk.receive_each)
        gone = asyncio.create_task(gather.receive((KEY, [b"1"])))
        await asyncio.to_thread(disk.is_busy.wait, 10)
        gone.cancel()
        disk.is_released.set()
        return await gather.receive((KEY, [b"2"]))

    assert asyncio.run(run()) == Received((), (), {0: 1})
