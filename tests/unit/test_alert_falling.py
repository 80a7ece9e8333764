"""Falling conditions look at what is laid out once; looking anew at each instant says the same."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rules.alerts_tree import Falling
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules import falling
from services.scoring.rules.life import Life
from tests.alert_lives import STEPS, histories
from tests.alerting import at_s

MONEY = st.one_of(
    st.just(("purchase.completed", "", 4000.0, "EUR")),
    st.just(("purchase.completed", "", 100.0, "EUR")),
    st.just(("purchase.completed", "o-1", 0.0, "EUR")),
    st.just(("purchase.completed", "", 900.0, "USD")),
    st.just(("purchase.refunded", "o-1", 3000.0, "EUR")),
    st.just(("web.visited", "", 0.0, "")),
)
CANCELLED = st.just(("purchase.cancelled", "o-1", 0.0, ""))
RULES = st.builds(
    Falling,
    of=st.sampled_from(["spend", "purchases", "visits"]),
    recent_days=st.integers(1, 10),
    before_days=st.integers(1, 20),
    enters_at_percent=st.integers(10, 60),
    leaves_at_percent=st.integers(61, 120),
    minimum=st.sampled_from([1, 2, 3000]),
    least_days=st.integers(1, 3),
)


@given(RULES, histories(st.one_of(MONEY, MONEY, CANCELLED)), st.sampled_from(STEPS))
def test_what_is_laid_out_once_says_what_looking_anew_does(
    rule: Falling, entries: Sequence[Entry], at: int
) -> None:
    condition = falling.falling(rule)
    known = [entry for entry in entries if entry.at_s <= at]

    once, anew = Life.of(entries), Life.of(known)
    if rule.of != "visits":
        anew.laid[rule.of] = None

    assert condition.enters(once, at) == condition.enters(anew, at)
    assert condition.stays(once, at) == condition.stays(anew, at)
    if condition.enters(once, at).holds:
        assert condition.tell(once, at) == condition.tell(anew, at)


@given(RULES, histories(st.one_of(MONEY, CANCELLED)), st.sampled_from(STEPS))
def test_nothing_falls_by_time_alone_before_it_is_due(
    rule: Falling, entries: Sequence[Entry], at: int
) -> None:
    condition = falling.falling(rule)
    life = Life.of(entry for entry in entries if entry.at_s <= at)
    holds, due_s = condition.enters(life, at)

    for later in range(at, min(due_s, at + 40 * DAY_S), DAY_S // 2):
        assert condition.enters(life, later).holds == holds


@pytest.mark.parametrize(
    ("rows", "recent", "before", "days_before"),
    [
        ([], 0, 0, 0),
        ([("2026-01-01", 100), ("2026-01-01", 50), ("2026-01-12", 40)], 40, 150, 1),
        ([("2026-01-01", 100), ("2026-01-09", 100), ("2026-01-09", 7)], 0, 207, 2),
    ],
)
def test_days_of_both_parts_are_added_up(
    rows: list[tuple[str, int]], recent: int, before: int, days_before: int
) -> None:
    entries = [
        Entry(at_s(day), "purchase.completed", "s", f"o-{number}", f"o-{number}", value, "EUR")
        for number, (day, value) in enumerate(rows)
    ]
    rule = Falling(
        of="spend",
        recent_days=4,
        before_days=20,
        enters_at_percent=50,
        leaves_at_percent=80,
        minimum=1,
        least_days=1,
    )

    fallen = falling._fallen(rule, Life(entries), at_s("2026-01-13"))

    assert (fallen.recent, fallen.before, fallen.rows.days_before) == (recent, before, days_before)
