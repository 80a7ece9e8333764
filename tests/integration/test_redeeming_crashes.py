"""Crashes between decision, outbox, append and acknowledgement: each effect once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest

from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresTransaction
from services.store.postgres_balances import PostgresDeciding
from services.store.urls import Urls
from tests.integration.spending import Till, a_till


class Killed(BaseException):
    """What a process sees of ``kill -9``: nothing that it would do afterwards is done."""


@pytest.fixture
def till(urls: Urls) -> Iterator[Till]:
    with a_till(urls) as till:
        till.publish(rewards=[{"name": "mug", "cost_points": 30, "stock": 9}])
        till.earned("user:1", 100)
        yield till


COMMANDS: Final[dict[str, tuple[Callable[[Till], object], int]]] = {
    "redeem": (lambda till: till.redeem("user:1", 30, "key"), 70),
    "adjust": (
        lambda till: till.points.adjust(till.asked("key"), till.hash("user:1"), -30, "x"), 70,
    ),
    "grant": (lambda till: till.points.grant(till.asked("key"), till.hash("user:1"), "mug"), 70),
}  # fmt: skip
PLACES: Final[dict[str, tuple[type, str, bool]]] = {
    "before the decision is written": (PostgresDeciding, "decide", False),
    "between decision and commit": (PostgresDeciding, "decide", True),
    "between outbox and append": (Till, "append", False),
    "between append and its acknowledgement": (Till, "append", True),
    "before the outbox is emptied": (PostgresOutbox, "done", False),
    "after the outbox is emptied": (PostgresOutbox, "done", True),
    "before the fold writes": (PostgresTransaction, "save", False),
    "between the fold and its commit": (PostgresTransaction, "save", True),
}
"""Where it dies: in which call, and whether before it or after it."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_effect_once_wherever_a_crash_falls(
    till: Till, command: str, place: str
) -> None:
    ask, balance = COMMANDS[command]

    with dying(*PLACES[place]) as deaths:
        live(till, lambda: ask(till), till.relay, till.fold)
    assert deaths
    live(till, lambda: ask(till), till.work)
    ask(till)
    till.work()

    assert till.balance("user:1") == balance
    assert till.waiting() == 0
    assert till.rows("SELECT * FROM touchline.outbox") == []
    # What was given, and this.
    assert till.rows("SELECT count(*) FROM live.ledger") == [(2,)]


def test_every_crash_one_after_the_other_spends_once(till: Till) -> None:
    ids = set()

    def redeem() -> None:
        ids.add(till.redeem("user:1", 30, "key"))

    for place in PLACES:
        with dying(*PLACES[place]):
            live(till, redeem, till.relay, till.fold)
        live(till, redeem, till.work)

    assert len(ids) == 1
    assert till.balance("user:1") == 70
    assert till.spent() == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_cancellation_gives_back_once_wherever_a_crash_falls(till: Till, place: str) -> None:
    spent = till.redeem("user:1", 30)

    def cancel() -> None:
        till.voids.cancel(till.asked(), till.hash("user:1"), spent, None)

    with dying(*PLACES[place]):
        live(till, cancel, till.relay, till.fold)
    live(till, cancel, till.work)

    assert till.balance("user:1") == 100
    assert till.waiting() == till.spent() - 1 == 0
    assert till.rows("SELECT count(*) FROM live.ledger WHERE is_void") == [(1,)]
    assert till.rows("SELECT count(*) FROM touchline.dead_letter") == [(0,)]


def test_an_answer_that_never_came_is_the_answer_to_the_next_try(till: Till) -> None:
    till.redeem("user:1", 60, "key")
    till.work()
    till.restart()

    # Too few are left for it now, and it has them already.
    till.redeem("user:1", 60, "key")

    till.work()
    assert till.balance("user:1") == 40


def test_points_on_their_way_are_spoken_for_in_every_state_of_the_way(till: Till) -> None:
    till.redeem("user:1", 60, "key")
    free = []
    for step in (lambda: None, till.relay, till.fold):
        step()
        free.append(till.points.redeem(till.asked(), till.hash("user:1"), 1).available)

    assert free == [39, 38, 37]


def live(till: Till, *steps: Callable[[], object]) -> None:
    """One step after the other, until one dies; then other processes are there."""
    try:
        for step in steps:
            step()
    except Killed:
        till.restart()


@contextmanager
def dying(owner: type, name: str, is_after: bool) -> Iterator[list[str]]:
    """Let whoever calls it first die."""
    deaths: list[str] = []
    whole = getattr(owner, name)

    def die(*given: Any, **named: Any) -> Any:
        if deaths:
            return whole(*given, **named)
        if is_after:
            whole(*given, **named)
        deaths.append(name)
        raise Killed

    with ExitStack() as stack:
        setattr(owner, name, die)
        stack.callback(setattr, owner, name, whole)
        yield deaths
