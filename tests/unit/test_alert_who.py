"""Whom a rule is about, and how many of its conditions must hold."""

import pytest

from services.scoring.rules import Life
from services.scoring.rules.stages import STAGE, Eras, Newcomers, placed
from services.scoring.rules.standing import FOREVER
from tests.alerting import alerts, at_s, book, rule


@pytest.mark.parametrize(
    ("who", "story", "expected"),
    [
        pytest.param({"stages": ["loyal"]}, "2026-01-01 stage loyal", True, id="of that stage"),
        pytest.param({"stages": ["loyal"]}, "2026-01-01 stage new", False, id="of another"),
        pytest.param({"stages": ["loyal"]}, "", False, id="of none that is known"),
        pytest.param({"tiers": ["gold", "silver"]}, "2026-01-01 tier gold", True, id="of a tier"),
        pytest.param({"tiers": ["gold"]}, "2026-01-01 tier silver", False, id="of another tier"),
        pytest.param({"values": ["high value"]}, "2026-01-01 value high value", True, id="worth"),
        pytest.param({"values": ["high value"]}, "2026-01-01 value ordinary", False, id="not"),
        pytest.param(
            {"least_spend_minor": 50_00, "currency": "EUR"}, "2026-01-01 bought 50", True, id="50"
        ),
        pytest.param(
            {"least_spend_minor": 50_00, "currency": "EUR"},
            "2026-01-01 bought 50\n2026-01-02 refunded 1", False, id="49",
        ),
        pytest.param(
            {"least_spend_minor": 50_00, "currency": "EUR"}, "2026-01-01 bought 99 USD", False,
            id="dollars are no euros",
        ),
    ],
)  # fmt: skip
def test_whom_a_rule_is_about(who: dict[str, object], story: str, expected: bool) -> None:
    asked = rule(who=who, when=[{"feedback": {"at_most": 6, "within_days": 30}}])

    assert bool(alerts(book(asked), story + "\n2026-02-01 nps 1")) is expected


def test_who_becomes_a_customer_that_matters_is_alerted_then() -> None:
    asked = rule(
        who={"stages": ["loyal"]}, when=[{"feedback": {"at_most": 6, "within_days": 30}}]
    )  # fmt: skip

    found = alerts(book(asked), "2026-01-01 nps 1\n2026-01-10 stage loyal\n2026-01-15 stage lapsed")

    assert found == ["2026-01-10T12:00 to 2026-01-31T12:00"]


def test_two_of_three_conditions_suffice_where_the_rule_says_so() -> None:
    asked = rule(
        at_least=2,
        when=[
            {"feedback": {"at_most": 6, "within_days": 30}},
            {"happened": {"types": ["case.opened"], "at_least": 2, "within_days": 7}},
            {"silent": {"days": 20}},
        ],
    )

    found = alerts(book(asked), "2026-01-01 bought 9\n2026-01-10 nps 5")

    assert found == ["2026-01-21 to 2026-02-09T12:00"]


def test_of_decisions_the_one_counts_that_was_taken_last() -> None:
    asked = rule(
        who={"stages": ["loyal"]}, when=[{"feedback": {"at_most": 6, "within_days": 30}}]
    )  # fmt: skip
    told_late = "2026-01-05 stage lapsed taken 2026-01-20"

    known = "2026-01-10 stage loyal\n2026-02-01 nps 1"

    assert alerts(book(asked), known)
    assert not alerts(book(asked), f"{known}\n{told_late}")


def test_what_lets_a_customer_move_finds_them_where_they_were() -> None:
    moved = placed(STAGE, at_s("2026-02-01"), 1, "won_back")

    found = Life([placed(STAGE, 0, 0, "at_risk"), moved])

    assert [
        one.unit for at in ("2026-02-01", "2026-02-02") if (one := found.decided(STAGE, at_s(at)))
    ] == ["at_risk", "won_back"]


def test_who_was_told_nothing_of_is_where_newcomers_are() -> None:
    asked = rule(
        who={"stages": ["lead"], "tiers": ["bronze"]},
        when=[{"feedback": {"at_most": 6, "within_days": 30}}],
    )
    eras = Eras(
        [
            (-FOREVER, Newcomers("prospect", "bronze")),
            (at_s("2026-02-10"), Newcomers("lead", "bronze")),
        ]
    )

    found = alerts(book(asked, eras=eras), "2026-02-01 nps 1")

    assert found == ["2026-02-10 to 2026-03-03T12:00"], "as the policy calls them from then on"
    assert not alerts(book(asked, eras=eras), "2026-02-01 nps 1\n2026-02-02 stage new")


def test_who_is_no_member_is_in_no_tier() -> None:
    asked = rule(
        who={"tiers": ["bronze"]}, when=[{"happened": {"types": ["web.visited"], "within_days": 9}}]
    )
    ruled = book(asked, eras=Eras([(-FOREVER, Newcomers("prospect", "bronze"))]))

    assert not alerts(ruled, "2026-02-01 visited")
    assert alerts(ruled, "2026-02-01 visited\n2026-02-03 bought 9") == [
        "2026-02-03T12:00 to 2026-02-10T12:00"
    ]


def test_who_has_left_all_tiers_is_no_newcomer() -> None:
    asked = rule(
        who={"tiers": ["bronze"]}, when=[{"feedback": {"at_most": 6, "within_days": 30}}]
    )  # fmt: skip
    ruled = book(asked, eras=Eras([(-FOREVER, Newcomers(None, "bronze"))]))

    assert not alerts(ruled, "2026-01-01 tier -\n2026-02-01 nps 1")
