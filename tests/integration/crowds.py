"""Many who spend points at once, and how they are stopped half-way."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.errors import Conflict
from services.store.balance import Decision
from services.store.postgres_balances import PostgresDeciding
from tests.integration.spending import Till


def tried(
    till: Till, who: str, points: int, key: str | None = None, *, times: int = 1
) -> list[str]:
    """What came of redeeming, so many times."""
    outcomes = []
    for number in range(times):
        try:
            till.redeem(who, points, None if key is None else f"{key}-{number}")
            outcomes.append("spent")
        except Conflict:
            outcomes.append("short")
    return outcomes


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """What ``do`` gives to so many threads, which begin together."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait(60)
        return do(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


@contextmanager
def working(till: Till) -> Iterator[None]:
    """Relay and folds at work for the time of the block."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            till.work()
            stop.wait(0.001)

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        try:
            yield
        finally:
            stop.set()
            done.result()


@dataclass
class Halt:
    """Where somebody stops, having decided and not committed."""

    reached: threading.Event = field(default_factory=threading.Event)
    freed: threading.Event = field(default_factory=threading.Event)

    def is_reached(self) -> None:
        """Wait until somebody is there."""
        assert self.reached.wait(30)

    def go_on(self) -> None:
        """Let them commit."""
        self.freed.set()


def halting(monkeypatch: pytest.MonkeyPatch, *points: int) -> dict[int, Halt]:
    """Let who takes so many points stop before that is committed."""
    decide, halts = PostgresDeciding.decide, {each: Halt() for each in points}

    def deciding(self: PostgresDeciding, decision: Decision, *given: Any) -> int:
        number = decide(self, decision, *given)
        halt = halts.get(decision.spoken.points if decision.spoken else 0)
        if halt is not None:
            halt.reached.set()
            halt.freed.wait(30)
        return number

    monkeypatch.setattr(PostgresDeciding, "decide", deciding)
    return halts


def wait_for(holds: Callable[[], bool], *, timeout_s: float) -> bool:
    """Whether it came to hold in that time."""
    pause, waited = threading.Event(), 0.0
    while not holds() and waited < timeout_s:
        pause.wait(0.01)
        waited += 0.01
    return holds()
