"""Giving way: beside a backlog of the projector scoring works a tenth of the time."""

from dataclasses import dataclass, field

from services.fold.postponing import CALM_S, MUCH
from services.scoring.giving_way import PATIENCE_S, SHARE, GivingWay


@dataclass
class Watch:
    """A giving way with a clock that a test sets."""

    s: float = 0.0
    way: GivingWay = field(init=False)

    def __post_init__(self) -> None:
        self.way = GivingWay(lambda: self.s)

    def waits(self, behind: int = MUCH, *, is_settled: bool = True) -> bool:
        return self.way.gives_way(behind, is_settled=is_settled)

    def works(self, seconds: float) -> None:
        self.s += seconds
        self.way.ended()


def test_without_a_backlog_nothing_is_waited_for() -> None:
    watch = Watch()
    for _ in range(3):
        assert not watch.waits(MUCH - 1)
        watch.works(5)


def test_beside_a_backlog_it_waits_nine_times_as_long_as_its_batch_took() -> None:
    watch = Watch()
    assert not watch.waits()
    watch.works(0.5)

    watch.s += (SHARE - 1) * 0.5 - 0.01
    assert watch.waits()
    watch.s += 0.02

    assert not watch.waits()


def test_a_long_batch_is_not_waited_for_without_end() -> None:
    watch = Watch()
    assert not watch.waits()
    watch.works(20)

    watch.s += PATIENCE_S - 1
    assert watch.waits()
    watch.s += 2

    assert not watch.waits()


def test_rows_that_wait_to_be_settled_are_a_backlog_too() -> None:
    watch = Watch()
    assert not watch.waits(0, is_settled=False)
    watch.works(1)

    assert watch.waits(0, is_settled=False)
    assert watch.way.has_backlog
    assert not watch.waits(0)


def test_the_end_of_a_backlog_is_awaited_a_moment() -> None:
    watch = Watch()
    assert not watch.waits()
    watch.works(10)

    assert watch.waits()
    watch.s += CALM_S - 0.01
    assert watch.waits(0)
    watch.s += 0.02

    assert not watch.waits(0)
    assert not watch.way.has_backlog
