"""Figures: counted as often as that is cheap, and by one at a time."""

import threading
from collections.abc import Callable

from services.query import figures as kept
from services.query.figures import Figures


class Counting:
    """A count that takes its time by a clock of its own."""

    def __init__(self, took_s: float) -> None:
        self.now_s, self.took_s, self.times = 1_000.0, took_s, 0

    def __call__(self) -> int:
        self.now_s += self.took_s
        self.times += 1
        return self.times

    def clock(self) -> float:
        return self.now_s


def asked(figures: Figures, count: Callable[[], int], *, is_fresh: bool = False) -> int:
    return figures.answered("question", count, is_fresh=is_fresh)


def test_what_took_long_is_told_again_for_a_while() -> None:
    count = Counting(2.0)
    figures = Figures(count.clock)

    assert [asked(figures, count) for _ in range(3)] == [1, 1, 1]
    count.now_s += 2.0 * kept.REST - 0.1
    assert asked(figures, count) == 1
    count.now_s += 0.2
    assert asked(figures, count) == 2


def test_nothing_is_told_for_longer_than_a_minute() -> None:
    count = Counting(100.0)
    figures = Figures(count.clock)
    asked(figures, count)

    count.now_s += kept.LONGEST_S + 0.1

    assert asked(figures, count) == 2


def test_who_waits_for_its_own_writes_has_them_counted() -> None:
    count = Counting(2.0)
    figures = Figures(count.clock)
    asked(figures, count)

    assert asked(figures, count, is_fresh=True) == 2
    assert asked(figures, count) == 2


def test_what_is_cheap_is_counted_each_time() -> None:
    count = Counting(0.0)
    figures = Figures(count.clock)

    assert [asked(figures, count) for _ in range(3)] == [1, 2, 3]


def test_of_many_who_ask_at_once_one_counts() -> None:
    figures = Figures()
    began, go_on, times = threading.Event(), threading.Event(), []

    def slowly() -> int:
        began.set()
        times.append(1)
        assert go_on.wait(10)
        threading.Event().wait(0.05)
        return len(times)

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(asked(figures, slowly))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    go_on.set()
    for thread in threads:
        thread.join()

    assert found == [1] * 8


def test_a_count_that_fails_is_tried_again() -> None:
    figures = Figures()

    def failing() -> int:
        raise ZeroDivisionError

    for count in (failing, failing):
        try:
            asked(figures, count)
        except ZeroDivisionError:
            continue
        raise AssertionError
    assert asked(figures, lambda: 7) == 7


def test_questions_are_apart_and_only_so_many_are_kept() -> None:
    count = Counting(1.0)
    figures = Figures(count.clock)

    answers = {
        number: figures.answered(number, count, is_fresh=False) for number in range(kept.MOST + 5)
    }

    assert len(set(answers.values())) == kept.MOST + 5
    assert len(figures._kept) == kept.MOST
