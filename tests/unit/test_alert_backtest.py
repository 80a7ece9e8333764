"""Backtests: who would have been alerted, who really left, and what became of real alerts."""

import pytest

from schemas.rules.alerts import Alert
from services.errors import Refused
from services.scoring.rules import (
    Backtest,
    Leaving,
    Life,
    Period,
    backtest,
    compared,
    episodes,
    judged,
    outcome,
    precision,
)
from services.scoring.rules.leaving import purchased
from tests.alerting import Story, at_s, book, rule, shown

LEFT = Leaving(days=30, rhythm_percent=300, horizon_days=30)
MISSED = rule(when=[{"silent": {"days": 14}}])
UNHAPPY = rule(when=[{"feedback": {"at_most": 6, "within_days": 30}}])
YEAR = Period(at_s("2026-01-01"), at_s("2027-01-01"), at_s("2027-06-01"))


def weeks(first: str, count: int, then: str = "") -> Life:
    """Bought each week from a day on."""
    bought = [f"{shown(at_s(first) + 604_800 * week)} bought 40" for week in range(count)]
    return Story("\n".join([*bought, then])).life


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param("2026-01-01 bought 9", ["2026-01-01, sure on 2026-02-01"], id="never again"),
        pytest.param(
            "2026-01-01 bought 9\n2026-01-31 bought 9", ["2026-01-31, sure on 2026-05-02"],
            id="on the thirtieth day: stayed; then three rhythms of 30",
        ),
        pytest.param(
            "2026-01-01 bought 9\n2026-02-01 bought 9",
            ["2026-01-01, sure on 2026-02-01", "2026-02-01, sure on 2026-05-06"],
            id="on the day after: had left, and came back",
        ),
        pytest.param(
            "2026-01-01 bought 9 as o-1\n2026-01-20 bought 9 as o-2\n2026-01-22 cancelled o-2",
            ["2026-01-01, sure on 2026-02-01"], id="a cancelled order is none",
        ),
        pytest.param("2026-12-20 bought 9", [], id="nobody knows yet"),
        pytest.param("2026-01-01 visited", [], id="who never bought can't leave"),
    ],
)  # fmt: skip
def test_who_left_and_when_that_was_sure(story: str, expected: list[str]) -> None:
    known = purchased(Story(story).life, LEFT, at_s("2027-01-01"))

    assert [
        f"{shown(one.last_day * 86_400)}, sure on {shown(one.declared_s)}"
        for one in known.departures
    ] == expected


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param("2025-12-31", "unknown", id="before they bought at all"),
        pytest.param("2026-01-10", "stayed", id="bought long after"),
        pytest.param("2026-03-05", "left", id="the last purchase is within 30 days after"),
        pytest.param("2026-04-10", "left", id="it was before, and not sure yet"),
        pytest.param("2026-05-10", "gone", id="sure already: too late"),
    ],
)
def test_what_became_of_a_customer_after_an_alert(raised: str, expected: str) -> None:
    # Thirteen weeks: the last purchase on 26 March, so that it is sure on 26 April.
    life = weeks("2026-01-01", 13)

    assert outcome(life, at_s(raised), LEFT, at_s("2026-12-01")) == expected


def test_what_is_not_over_yet_is_unknown() -> None:
    life = weeks("2026-01-01", 13)

    assert outcome(life, at_s("2026-03-20"), LEFT, at_s("2026-04-10")) == "unknown"


@pytest.fixture
def found() -> Backtest:
    lives = [
        # Leaves after 8 weeks: missed on 5 March, sure on 22 March.
        ("leaves", weeks("2026-01-01", 8)),
        # Away for 20 days once, and stays.
        ("pauses", Story("\n".join(
            [f"{shown(at_s('2026-01-01') + 604_800 * week)} bought 9" for week in range(52)
             if week not in (10, 11)]
        )).life),
        # Buys every week to the end of the year and after it.
        ("stays", weeks("2026-01-01", 70)),
        ("never bought", Story("2026-01-01 visited").life),
        # Left in the year before.
        ("left before", weeks("2025-03-01", 8)),
    ]  # fmt: skip
    return backtest(MISSED, lives, YEAR, LEFT)


def test_a_backtest_says_who_would_have_been_alerted_when(found: Backtest) -> None:
    alerts = [(shown(one.raised_s), one.customer, one.outcome) for one in found.alerts]

    assert alerts == [
        ("2026-03-05", "leaves", "left"),
        ("2026-03-19", "pauses", "stayed"),
    ]
    assert found.most_a_day == 1
    assert found.alerts_a_day == pytest.approx(2 / 365)


def test_a_backtest_says_how_right_it_was_and_how_early(found: Backtest) -> None:
    assert (found.customers, [one.customer for one in found.departures]) == (3, ["leaves"])
    assert (found.precision, found.recall, found.lead_days) == (0.5, 1.0, 17.0)
    assert found.base_rate == pytest.approx(1 / 3)
    assert found.outcomes == {"left": 1, "stayed": 1}


def test_two_rules_are_compared_over_the_same_histories() -> None:
    lives = [
        ("silent", weeks("2026-01-01", 8)),
        ("unhappy", weeks("2026-01-01", 8, "2026-02-15 nps 2")),
        ("content", weeks("2026-01-01", 70)),
    ]
    old = backtest(UNHAPPY, lives, YEAR, LEFT)
    new = backtest(MISSED, lives, YEAR, LEFT)

    found = compared(new, old)

    assert (found.only_new, found.only_old, found.both) == (("silent",), (), 1)
    assert (old.recall, new.recall, found.recall) == (0.5, 1.0, 0.5)
    assert (old.lead_days, new.lead_days) == (34.5, 17.0)
    assert found.lead_days == -17.5
    assert found.alerts_a_day == pytest.approx(1 / 365)


@pytest.mark.parametrize(
    ("lives", "rule"),
    [
        pytest.param([], MISSED, id="nobody"),
        pytest.param([("a", Story("").life)], MISSED, id="an empty history"),
        pytest.param([("a", Story("2026-02-01 visited").life)], UNHAPPY, id="nobody bought"),
    ],
)
def test_where_there_is_nothing_nothing_is_divided(
    lives: list[tuple[str, Life]], rule: Alert
) -> None:
    found = backtest(rule, lives, YEAR, LEFT)

    assert (found.alerts, found.departures, found.customers) == ((), (), 0)
    assert (found.precision, found.recall, found.lead_days, found.base_rate) == (None,) * 4


def test_a_backtest_does_not_see_what_came_later() -> None:
    before = weeks("2026-01-01", 8)
    after = weeks("2026-01-01", 8, "2026-05-01 bought 40")
    period = Period(at_s("2026-01-01"), at_s("2026-04-01"), at_s("2026-12-01"))

    first, second = (backtest(MISSED, [("a", one)], period, LEFT) for one in (before, after))

    assert [one.raised_s for one in first.alerts] == [one.raised_s for one in second.alerts]


def test_a_period_that_is_empty_or_not_over_is_refused() -> None:
    with pytest.raises(Refused, match="to: is not after from"):
        Period(5, 5, 9)
    with pytest.raises(Refused, match="known_until: is before to"):
        Period(5, 9, 8)


def test_a_definition_by_which_nobody_stays_is_refused() -> None:
    with pytest.raises(Refused, match=r"left\.days: is too small"):
        Leaving(days=0)


def test_the_precision_of_a_rule_is_known_once_its_alerts_have_an_outcome() -> None:
    lives = [
        weeks("2026-01-01", 8, "2026-02-15 nps 2"),
        weeks("2026-01-01", 8, "2026-02-15 nps 2\n2026-02-16 acknowledged rule"),
        weeks("2026-01-01", 40, "2026-02-15 nps 2"),
        weeks(
            "2026-01-01", 40,
            "2026-02-15 nps 2\n2026-02-16 acknowledged rule\n2026-02-17 called them",
        ),
    ]  # fmt: skip
    known_until_s = at_s("2027-01-01")

    alerts = [
        one
        for life in lives
        for one in judged(
            episodes(book(UNHAPPY), life, known_until_s), life, LEFT, known_until_s
        )
    ]  # fmt: skip
    found = precision(alerts)["rule"]

    assert (found.alerts, found.acknowledged, found.acted) == (4, 2, 1)
    assert (found.left, found.stayed, found.gone, found.unknown) == (2, 2, 0, 0)
    # Who was called and stayed may have stayed because of it.
    assert found.precision == 0.5
    assert found.precision_unattended == pytest.approx(2 / 3)


def test_a_rule_whose_alerts_have_no_outcome_yet_has_no_precision() -> None:
    life = weeks("2026-01-01", 8, "2026-02-15 nps 2")
    today_s = at_s("2026-02-16")

    found = precision(judged(episodes(book(UNHAPPY), life, today_s), life, LEFT, today_s))

    assert (found["rule"].unknown, found["rule"].precision) == (1, None)
    assert found["rule"].precision_unattended is None
