"""Stories of customers as a CRM manager would tell them, by the machines that ship."""

from datetime import date, datetime, timedelta

import pytest

from services.projector.projections.lifecycle import begin, post, settle
from tests.lives import DEFAULTS, Life, instant

WEEKLY = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02"]
EVERY_TWO_MONTHS = ["2025-01-10", "2025-03-11", "2025-05-10", "2025-07-09"]


def test_from_the_first_mail_to_a_loyal_customer() -> None:
    life = Life().on("2026-01-01", "reached").on("2026-01-03", "responded").bought(*WEEKLY)

    assert life.path("2026-02-05") == [
        ("2026-01-01", "prospect"),
        ("2026-01-03", "engaged"),
        ("2026-01-05", "new"),
        ("2026-01-12", "active"),
        ("2026-01-26", "loyal"),
    ]


@pytest.mark.parametrize(
    ("bought", "at_risk", "lapsed"),
    [
        pytest.param(WEEKLY, "2026-02-13", "2026-02-23", id="every 7 days: after 11 and 21"),
        pytest.param(EVERY_TWO_MONTHS, "2025-10-07", "2026-01-05", id="every 60: after 90 and 180"),
        pytest.param(["2026-01-05"], "2026-04-05", "2026-07-04", id="once: as if every 60 days"),
        pytest.param(
            ["2026-01-05", "2026-01-06", "2026-01-07"],
            *("2026-01-18", "2026-01-28"),
            id="every day: as if every 7",
        ),
        pytest.param(
            ["2023-01-05", "2024-01-05", "2025-01-05"],
            *("2025-10-02", "2026-06-29"),
            id="every year: as if every 180 days",
        ),
        pytest.param(
            ["2026-01-01", "2026-01-11", "2026-01-21", "2026-06-20"],
            *("2026-07-05", "2026-07-20"),
            id="one long gap among short ones is no rhythm",
        ),
        pytest.param(
            ["2026-01-01", "2026-01-11", "2026-01-24"],
            *("2026-02-11", "2026-03-01"),
            id="10 and 13 days: 12, half a day counted whole",
        ),
    ],
)
def test_silence_is_measured_against_ones_own_rhythm(
    bought: list[str], at_risk: str, lapsed: str
) -> None:
    moves = Life().bought(*bought).path("2030-01-01")

    assert moves[-2:] == [(at_risk, "at_risk"), (lapsed, "lapsed")]


def test_a_rhythm_is_that_of_the_last_eight_gaps() -> None:
    slow = ["2025-01-01", "2025-02-20", "2025-04-11", "2025-05-31"]
    quick = [f"2025-06-{day:02}" for day in (10, 20, 30)] + ["2025-07-10", "2025-07-20"]
    quick += ["2025-07-30", "2025-08-09"]

    row = Life().bought(*slow, *quick).row("2025-09-01")

    assert row["stages"]["default"]["why"]["rhythm_days"] == 10


def test_who_lapsed_and_buys_again_is_won_back_for_sixty_days() -> None:
    life = Life().bought(*WEEKLY, "2026-06-01")

    assert life.path("2026-12-31")[-4:] == [
        ("2026-02-23", "lapsed"),
        ("2026-06-01", "won_back"),
        ("2026-06-12", "at_risk"),
        ("2026-06-22", "lapsed"),
    ]


def test_who_is_won_back_is_a_customer_like_others_from_the_third_order_on() -> None:
    life = Life().bought(*WEEKLY, "2026-06-01", "2026-06-08", "2026-06-15")

    assert life.path("2026-06-20")[-2:] == [("2026-06-01", "won_back"), ("2026-06-15", "loyal")]


def test_who_was_only_at_risk_is_not_won_back() -> None:
    life = Life().bought(*WEEKLY, "2026-02-15")

    assert life.path("2026-02-20")[-2:] == [("2026-02-13", "at_risk"), ("2026-02-15", "loyal")]


def test_who_buys_on_the_very_day_of_lapsing_lapsed_that_morning() -> None:
    life = Life().bought(*WEEKLY, "2026-02-23")

    assert life.path("2026-02-24")[-2:] == [("2026-02-23", "lapsed"), ("2026-02-23", "won_back")]


def test_mail_and_visits_win_nobody_back() -> None:
    life = Life().bought(*WEEKLY).on("2026-06-01", "reached", "responded", "considered")

    assert life.stage("2026-06-02") == "lapsed"


def test_interest_without_a_purchase_fades_after_ninety_days() -> None:
    life = Life().on("2026-01-01", "considered")

    assert life.path("2027-01-01") == [("2026-01-01", "engaged"), ("2026-04-01", "prospect")]


def test_two_orders_on_one_day_make_an_active_customer_without_a_rhythm() -> None:
    life = Life().bought("2026-01-05", orders=2)

    assert life.path("2026-12-31") == [
        ("2026-01-05", "active"),
        ("2026-04-05", "at_risk"),
        ("2026-07-04", "lapsed"),
    ]


def test_a_row_says_why_and_what_comes_next() -> None:
    row = Life().bought(*WEEKLY).row("2026-02-10")

    assert row["stage"] == "loyal"
    assert row["stages"]["default"] == {
        "stage": "loyal",
        "since": date(2026, 1, 26),
        "policy_version": 1,
        "why": {
            "rule": "at least 4 days of purchase within 365 days",
            "purchase_days": 5,
            "counted_since": "2026-01-12",
        },
        "next": {"stage": "at_risk", "on": date(2026, 2, 13)},
    }
    assert row["due_at"] == instant("2026-02-13")


def test_a_row_says_since_when_somebody_is_overdue() -> None:
    row = Life().bought(*WEEKLY).row("2026-02-14")

    assert row["stages"]["default"]["why"] == {
        "rule": "at least 1 order, no purchase for 150 % of the own rhythm",
        "orders": 5,
        "last_purchase_on": "2026-02-02",
        "overdue_from": "2026-02-13",
        "rhythm_days": 7,
    }
    assert row["stages"]["default"]["next"] == {"stage": "lapsed", "on": date(2026, 2, 23)}


def test_nothing_is_due_where_time_alone_changes_nothing() -> None:
    row = Life().on("2026-01-01", "known").row("2026-01-02")

    assert {name: one["stage"] for name, one in row["stages"].items()} == {
        "default": "prospect",
        "crm": "reach",
        "journey": "discover",
    }
    assert row["due_at"] is None


def test_who_did_nothing_yet_is_in_no_stage() -> None:
    row = Life().row("2026-01-01")

    assert row == {"stage": None, "stages": {}, "due_at": None}


def test_the_crm_cycle_goes_from_reach_to_loyal_and_back() -> None:
    life = Life().on("2023-01-01", "reached").on("2023-01-05", "responded")
    life.bought("2023-02-01", "2023-04-01", "2023-06-01", "2023-08-01", "2023-10-01")
    life.on("2025-09-01", "reached").on("2025-09-15", "responded")

    assert life.path("2026-12-31", "crm") == [
        ("2023-01-01", "reach"),
        ("2023-01-05", "acquire"),
        ("2023-02-01", "convert"),
        ("2023-04-01", "retain"),
        ("2023-10-01", "loyal"),
        ("2024-02-01", "retain"),
        ("2025-07-31", "convert"),
        ("2025-09-30", "acquire"),
        ("2026-03-14", "reach"),
    ]


def test_the_buyers_journey_begins_anew_after_each_purchase() -> None:
    life = Life().on("2026-01-01", "responded").on("2026-01-03", "considered")
    life.on("2026-01-10", "decided").bought("2026-01-10")
    life.on("2026-03-01", "considered").on("2026-06-01", "served")

    assert life.path("2027-12-31", "journey") == [
        ("2026-01-01", "discover"),
        ("2026-01-03", "consider"),
        ("2026-01-10", "buy"),
        ("2026-01-17", "after"),
        ("2026-03-01", "consider"),
        ("2026-04-30", "after"),
        ("2027-01-10", "discover"),
    ]


def test_a_cart_left_at_checkout_is_a_decision_for_thirty_days() -> None:
    life = Life().on("2026-01-03", "considered").on("2026-01-20", "decided")

    assert life.path("2026-12-31", "journey") == [
        ("2026-01-03", "consider"),
        ("2026-01-20", "decide"),
        ("2026-02-19", "consider"),
        ("2026-03-04", "discover"),
    ]


def test_a_purchase_told_late_makes_a_silence_never_have_been() -> None:
    on_time = Life().bought(*WEEKLY, "2026-03-02")
    told_late = Life().bought(*WEEKLY, "2026-03-02").bought("2026-02-10", "2026-02-20")

    stages = [stage for _, stage in on_time.path("2026-03-02")]
    corrected = [stage for _, stage in told_late.path("2026-03-02")]

    assert stages[-2:] == ["lapsed", "won_back"]
    assert corrected == ["new", "active", "loyal"]


def test_a_time_of_any_zone_is_a_day_in_utc() -> None:
    life = Life().bought(*WEEKLY)
    state = begin()
    for entry in life.entries:
        post(state, entry, DEFAULTS)

    in_tokyo = datetime.fromisoformat("2026-02-13T08:59:59+09:00")

    assert settle(state, in_tokyo, DEFAULTS)["stage"] == "loyal"
    assert settle(state, in_tokyo + timedelta(seconds=1), DEFAULTS)["stage"] == "at_risk"
