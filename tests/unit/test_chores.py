"""Chores: what comes all the time goes in turns, much at once, and what is away is waited for."""

import threading
from collections.abc import Callable, Sequence

import pytest

from services.errors import Unavailable
from services.projector.chores import LONGEST_BACK_OFF_S, PAUSE_S, TOGETHER_S, Chores

MUCH = 250


class Stop(threading.Event):
    """Is set by who waits for the last turn, and takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        return self.is_set()


def pauses(turns: Sequence[int | None]) -> list[float | None]:
    """What is waited between turns that had so much to do; None is one that the store was away."""
    stop, left = Stop(), iter(turns)

    def step() -> int:
        found = next(left, -1)
        if found == -1:
            stop.set()
            return MUCH
        if found is None:
            raise Unavailable("away")
        return found

    Chores([lambda: 0, step], much=MUCH).run(stop)
    return stop.waited_s


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([0, 0], [PAUSE_S, PAUSE_S]),
        ([3, 3], [TOGETHER_S, TOGETHER_S]),
        ([MUCH, MUCH + 1], []),
        ([None, None, 0, None], [2 * PAUSE_S, 4 * PAUSE_S, PAUSE_S, 2 * PAUSE_S]),
    ],
    ids=["nothing", "a trickle", "much", "away"],
)
def test_the_next_turn_comes_as_soon_as_there_is_need(
    turns: Sequence[int | None], expected: Sequence[float]
) -> None:
    assert pauses(turns) == expected


def test_what_is_away_for_long_is_asked_once_a_second() -> None:
    assert pauses([None] * 20)[-1] == LONGEST_BACK_OFF_S


def test_steps_take_turns() -> None:
    stop, done = Stop(), list[str]()

    def step(name: str) -> Callable[[], int]:
        def do() -> int:
            done.append(name)
            if len(done) == 4:
                stop.set()
            return 0

        return do

    Chores([step("ticks"), step("relays")]).run(stop)

    assert done == ["ticks", "relays", "ticks", "relays"]
