"""Many who spend points at once, and how they are stopped half-way."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from services.errors import Conflict, Timeout, Unavailable
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


def answered(till: Till, who: str, points: int, key: str) -> str | None:
    """A redemption's id, or None where points are short; who is told to ask again does so."""
    while True:
        try:
            return till.redeem(who, points, key)
        except Conflict:
            return None
        except (Timeout, Unavailable):
            continue


@dataclass(frozen=True, slots=True)
class Spree:
    """What came of many redemptions at once."""

    given: Counter[str]
    """Points by customer, before."""
    spent: Counter[str]
    """Points by customer, by what was answered."""
    ids: Collection[str]
    """Of the redemptions; each once, though some were asked for more than once."""
    refused: int


def spree(till: Till, operations: int, *, customers: int = 8, clients: int = 64) -> Spree:
    """Spend twice what few customers have, folds at work; every tenth time as was asked before."""
    members = [f"user:spree-{number}" for number in range(customers)]
    given = Counter(dict.fromkeys(members, max(3, operations // customers)))
    for member in members:
        till.earned(member, given[member])
    numbers = count()

    def spend(_: int) -> list[tuple[int, str | None]]:
        outcomes: list[tuple[int, str | None]] = []
        while (number := next(numbers)) < operations:
            # Whoever has that number may be at it still.
            asked = max(0, number - clients // 2) if number % 10 == 9 else number
            points, key = 1 + asked % 3, f"spree-{asked}"
            outcomes.append((asked, answered(till, members[asked % customers], points, key)))
        return outcomes

    with working(till):
        told = [one for several in at_once(clients, spend) for one in several]
    till.work()
    answers = dict(told)
    assert {*told} == {*answers.items()}, "a key was answered twice differently"
    spent: Counter[str] = Counter()
    for number, id_ in answers.items():
        spent[members[number % customers]] += 1 + number % 3 if id_ else 0
    ids = [id_ for id_ in answers.values() if id_]
    return Spree(given, spent, ids, refused=len(answers) - len(ids))
