"""When a delivery is tried again: ever later, never all at once, for three days."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.deliver.schedule import (
    FIRST_S,
    LONGEST_S,
    PATIENCE,
    PAUSE_S,
    due_at,
    is_over,
    pause_s,
)

QUEUED = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)


def attempts(chance: float) -> list[datetime]:
    """When each is made of a delivery that is never taken."""
    made = [QUEUED]
    while (again := due_at(len(made), QUEUED, made[-1], chance=chance)) is not None:
        made.append(again)
    return made


@given(CHANCES)
def test_the_last_attempt_is_made_after_three_days_whatever_chance_says(chance: float) -> None:
    made = attempts(chance)

    assert made[-1] - QUEUED == PATIENCE
    assert 15 < len(made) < 30
    assert not is_over(QUEUED, made[-1])


def test_each_delay_is_three_times_the_one_before_up_to_six_hours() -> None:
    delays_s = [(after - before).total_seconds() for before, after in pairwise(attempts(0.5))]

    assert delays_s[:4] == [5, 15, 45, 135]
    assert delays_s[:-1] == sorted(delays_s[:-1])
    assert max(delays_s) == LONGEST_S


@given(st.integers(1, 10**6), CHANCES)
def test_a_delay_varies_by_a_fifth_and_no_more(failed: int, chance: float) -> None:
    again = due_at(failed, QUEUED, QUEUED, chance=chance)

    assert again is not None
    assert 0.8 * FIRST_S <= (again - QUEUED).total_seconds() <= 1.2 * LONGEST_S


def test_who_asks_to_wait_is_heard_within_bounds() -> None:
    for asked_s, expected_s in ((60.0, 60), (1.0, 5), (10.0**9, LONGEST_S)):
        again = due_at(1, QUEUED, QUEUED, chance=0.5, asked_s=asked_s)

        assert again == QUEUED + timedelta(seconds=expected_s)


@given(st.integers(1, 10**6), CHANCES)
def test_a_target_that_fails_is_left_alone_for_seconds(failures: int, chance: float) -> None:
    assert 0.8 <= pause_s(failures, chance=chance) <= 1.2 * PAUSE_S
