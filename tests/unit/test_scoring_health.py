"""Engagement, health, temperature and satisfaction: parts that add up, whatever the order."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Refused
from services.scoring.model import engagement, satisfaction
from services.scoring.model.explanation import Explained
from services.scoring.model.health import Signs, band, health, heat, temperature
from services.scoring.model.history import DAY_S, Entry

NOW = 20_000 * DAY_S
TYPES = [*sorted(engagement.ACTS), "email.sent", "score.computed"]
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.integers(NOW - 300 * DAY_S, NOW + 30 * DAY_S),
        st.sampled_from(TYPES),
        st.just("s"),
        st.uuids().map(str),
    ),
    max_size=40,
)
SHARES = st.none() | st.floats(0, 1)
SIGNS = st.builds(
    Signs,
    churn_risk=SHARES,
    engagement=st.none() | st.floats(0, 100),
    satisfaction=SHARES,
    complaints_open=st.integers(0, 5),
    payments_failed=st.integers(0, 5),
)


def did(type_: str, days_ago: int = 0, unit: str = "") -> Entry:
    return Entry(NOW - days_ago * DAY_S, type_, "s", f"{type_} {days_ago}", unit=unit)


def adds_up(found: Explained) -> bool:
    parts = math.fsum([found.base, *(one.value for one in found.contributions)])
    return math.isclose(found.score, parts, abs_tol=1e-9)


@given(ENTRIES)
def test_engagement_and_heat_are_the_sum_of_their_parts_and_within_bounds(
    entries: list[Entry],
) -> None:
    engaged, hot = engagement.of_entries(entries, NOW), heat(entries, NOW)

    assert adds_up(engaged)
    assert adds_up(hot)
    assert 0 <= engaged.score < 100
    assert 0 <= hot.score <= 100 + 1e-9
    known = [one for one in entries if one.at_s <= NOW]
    weight = sum(engagement.weight(engagement.buckets(known), NOW // DAY_S).values())
    assert engaged.score == pytest.approx(100 * weight / (weight + 30_000_000))


@given(ENTRIES, st.integers(0, 2**32))
def test_the_order_of_events_changes_no_score_by_a_bit(entries: list[Entry], seed: int) -> None:
    shuffled = list(entries)
    Random(seed).shuffle(shuffled)

    assert engagement.of_entries(shuffled, NOW) == engagement.of_entries(entries, NOW)
    assert heat(shuffled, NOW) == heat(entries, NOW)


@given(ENTRIES)
def test_the_events_behind_engagement_give_the_same_number(entries: list[Entry]) -> None:
    found = engagement.of_entries(entries, NOW)
    behind = {name for part in found.contributions for name in part.events}

    again = engagement.of_entries([one for one in entries if one.id in behind], NOW)

    assert again.score == found.score


@given(SIGNS)
def test_health_is_the_sum_of_its_parts_and_within_bounds(signs: Signs) -> None:
    found = health(signs)

    assert adds_up(found)
    assert -1e-9 <= found.score <= 100 + 1e-9


def test_of_a_stranger_nothing_good_or_bad_is_said() -> None:
    assert health(Signs()).score == 50
    assert engagement.of_entries([], NOW).score == 0
    assert temperature(heat([], NOW).score) == "cold"


def test_a_complaint_takes_from_health_and_says_so() -> None:
    well, ill = (
        health(Signs(churn_risk=0.1, engagement=80, satisfaction=0.9, complaints_open=count))
        for count in (0, 1)
    )

    assert well.score - ill.score == pytest.approx(15)
    assert ("complaints_open", -15.0) in [(one.name, one.value) for one in ill.contributions]
    assert (band(well.score), band(30.0), band(ill.score)) == ("healthy", "risk", "healthy")


def test_an_act_is_worth_half_after_two_weeks() -> None:
    weights = [
        engagement.weight(engagement.buckets([did("purchase.completed", ago)]), 20_000)["purchase"]
        for ago in (0, 14, 28)
    ]

    assert weights == [10_000_000, 5_000_000, 2_500_000]


def test_what_we_or_our_programs_did_is_no_engagement() -> None:
    ours = [
        did("email.sent"),
        did("case.replied", unit="agent"),
        did("call.ended", unit="outbound answered"),
    ]

    assert engagement.of_entries(ours, NOW).score == 0


def test_a_reloading_page_is_worth_ten_visits_a_day() -> None:
    reloads = [did("web.visited")] * 5_000

    assert engagement.of_entries(reloads, NOW).score == pytest.approx(25)


def test_a_lead_that_books_a_visit_is_hot_and_cools_down() -> None:
    acts = ["form.submitted", "appointment.booked", "chat.ended"]

    heats = [temperature(heat([did(one, ago) for one in acts], NOW).score) for ago in (0, 14, 60)]

    assert heats == ["hot", "warm", "cold"]


def test_scores_of_surveys_are_their_definitions() -> None:
    promoted = satisfaction.nps([10, 9, 8, 7, 6, 0])
    content = satisfaction.csat([5, 4, 3, 1])
    easy = satisfaction.ces([7, 6, 5, 2])

    assert promoted is not None
    assert content is not None
    assert easy is not None
    assert (promoted.value, content.value, easy.value) == (0, 50, 75)


@given(st.lists(st.integers(0, 10), min_size=1, max_size=80))
def test_an_interval_holds_its_value_and_stays_on_its_scale(scores: list[int]) -> None:
    found = satisfaction.nps(scores)

    assert found is not None
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.low < found.high


def test_more_answers_make_an_interval_narrower_and_one_answer_is_not_certain() -> None:
    one, many = satisfaction.csat([5]), satisfaction.csat([5] * 400)

    assert one is not None
    assert many is not None
    assert one.low < 25
    assert many.low > 98
    assert many.high == 100


def test_no_answers_are_no_score_and_an_answer_off_its_scale_is_refused() -> None:
    assert satisfaction.nps([]) is None
    with pytest.raises(Refused, match=r"scores\.1"):
        satisfaction.csat([5, 6])
    with pytest.raises(Refused, match="scores"):
        satisfaction.ces([float("nan")])
    with pytest.raises(Refused, match="confidence"):
        satisfaction.nps([5], confidence=1)
