"""Golden cases of loyalty, worked by hand, hold on every path that leads to a balance."""

import pytest

from services.projector.projections import loyalty
from tests.golden_points import POINTS
from tests.golden_reader import Golden, book, read
from tests.golden_rules import RULES
from tests.golden_tiers import TIERS
from tests.ledgers import folded, ledger, stored

CASES = [*POINTS, *RULES, *TIERS]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_member_has_what_the_story_says(case: Golden) -> None:
    rules = book(case)
    events, asked = read(case)

    for one in asked:
        entries = [e for e in ledger(events[: one.events]) if e.key[0] <= one.at]
        state = stored(folded(entries, rules))
        found = loyalty.settle(state, one.at, rules)
        lines = loyalty.statement(entries, rules, one.at)
        assert {name: found[name] for name in one.has} == one.has, one.line
        assert sum(line.points for line in lines) == found["balance"], one.line


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]

    assert len(set(names)) == len(names) >= 40
