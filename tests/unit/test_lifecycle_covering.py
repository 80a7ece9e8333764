"""Conditions that follow from others, or exclude them: never told where some customer differs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rules.lifecycle import parse
from schemas.rules.lifecycle_covering import covers, excluded
from schemas.rules.lifecycle_tree import Active, Lifecycle, Purchases, Returned, Silent, Stage
from tests.lived import Rule, Seen, all_hold
from tests.lives import ACTIVE, LETTERS, PURCHASES, RETURNED, RHYTHMS, SILENT, lives, machines

BOUGHT = {"at_least": 1}


def parsed(*stages: dict[str, Any]) -> Lifecycle | list[Any]:
    """These stages, and one for everybody else."""
    return parse({"stages": [*stages, {"name": "rest"}]})


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({"silent": [{"rhythm_percent": 150}]}, {"silent": [{"rhythm_percent": 300}]}),
        ({"silent": [{"days": 30}]}, {"silent": [{"days": 30}]}),
        ({"silent": [{"days": 14}]}, {"silent": [{"rhythm_percent": 200}]}),
        ({"silent": [{"rhythm_percent": 100}]}, {"silent": [{"days": 180}]}),
        ({"silent": [{"days": 9}]}, {"silent": [{"kinds": ["served", "bought"], "days": 9}]}),
        ({"purchases": [BOUGHT]}, {"purchases": [{"at_least": 4, "within_days": 365}]}),
        ({"purchases": [BOUGHT]}, {"purchases": [{"at_least": 2, "counted": "days"}]}),
        ({"purchases": [{"at_most": 3}]}, {"purchases": [{"at_least": 1, "at_most": 2}]}),
        ({"purchases": [BOUGHT]}, {"active": [{"kinds": ["bought"], "within_days": 7}]}),
        ({"purchases": [BOUGHT]}, {"returned": {"after": "rest"}}),
        (
            {"active": [{"kinds": ["bought"], "within_days": 31}]},
            {"purchases": [{"at_least": 1, "within_days": 30}]},
        ),
        (
            {"active": [{"kinds": ["responded", "served"]}]},
            {"active": [{"kinds": ["served"], "within_days": 7, "after_purchase": True}]},
        ),
        (
            {"returned": {"after": "rest", "at_most_orders": 3}},
            {"returned": {"after": "rest", "within_days": 60, "at_most_orders": 2}},
        ),
    ],
)  # fmt: skip
def test_a_stage_below_one_that_asks_for_less_is_never_reached(
    above: dict[str, Any], below: dict[str, Any]
) -> None:
    upper, lower = {"name": "above", **above}, {"name": "below", **below}

    refused = parsed(upper, lower)

    assert isinstance(refused, list)
    (found,) = refused
    assert (found.field, found.value) == ("stages.1", "below")
    if above != below:
        assert isinstance(parsed(lower, upper), Lifecycle)


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ({"silent": [{"days": 14}]}, {"silent": [{"rhythm_percent": 100}]}),
        ({"silent": [{"kinds": ["served", "bought"], "days": 9}]}, {"silent": [{"days": 9}]}),
        ({"purchases": [{"at_least": 2, "counted": "days"}]}, {"purchases": [{"at_least": 3}]}),
        ({"active": [{"kinds": ["responded"]}]}, {"active": [{"kinds": ["served"]}]}),
        ({"active": [{"kinds": ["served"], "within_days": 7}]}, {"purchases": [BOUGHT]}),
    ],
)  # fmt: skip
def test_a_stage_that_may_be_reached_is_not_refused(
    above: dict[str, Any], below: dict[str, Any]
) -> None:
    found = parsed({"name": "above", **above}, {"name": "below", **below})

    assert isinstance(found, Lifecycle)


def alone(rule: Rule) -> Stage:
    """A stage of one condition."""
    match rule:
        case Purchases():
            return Stage(name="a", purchases=(rule,))
        case Active():
            return Stage(name="a", active=(rule,))
        case Silent():
            return Stage(name="a", silent=(rule,))
        case Returned():
            return Stage(name="a", returned=rule)


ANY_RULE = st.one_of(PURCHASES, ACTIVE, SILENT, RETURNED)
TWO_ALIKE = st.one_of(*(st.tuples(one, one) for one in (PURCHASES, ACTIVE, SILENT, RETURNED)))


@st.composite
def seen(draw: st.DrawFn) -> Seen:
    """A customer on some day, who may have returned from any stage."""
    entries = draw(lives(fewest=1))
    bought = [one for one in entries if one.purchases]
    returns = {}
    for stage in LETTERS if bought else ():
        back = draw(st.sampled_from(bought))
        returns[stage] = back.day, sum(one.purchases for one in entries if one.day < back.day)
    return Seen(entries, entries[-1].day + draw(st.integers(0, 60)), draw(RHYTHMS), returns)


@given(TWO_ALIKE | st.tuples(ANY_RULE, ANY_RULE), st.lists(seen(), min_size=5, max_size=5))
def test_what_follows_from_a_condition_holds_whenever_it_does(
    rules: tuple[Rule, Rule], customers: list[Seen]
) -> None:
    above, below = map(alone, rules)

    for one in customers:
        if all_hold(below, one):
            assert not covers(above, below, one.rhythm) or all_hold(above, one)


@given(machines(), seen())
def test_conditions_refused_as_excluding_each_other_never_hold_together(
    machine: Lifecycle, customer: Seen
) -> None:
    for stage in machine.stages:
        if all_hold(stage, customer):
            assert not [*excluded(stage, customer.rhythm)]
