"""Lifecycle rules: what can't be meant is refused, with the place and the remedy."""

from typing import Any

import pytest

from schemas.problems import Problem
from schemas.rules.lifecycle import default_machines, default_rules, parse

BOUGHT = {"at_least": 1}
LAPSED: dict[str, Any] = {"name": "lapsed", "silent": [{"rhythm_percent": 300}]}
REST: dict[str, Any] = {"name": "rest"}


def of(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A tree of rules with these stages, and one for everybody else."""
    return {"stages": [*stages, REST], **more}


def with_(**conditions: Any) -> dict[str, Any]:
    """A tree with one stage of these conditions, above one that takes everybody else."""
    return of({"name": "some", **conditions})


def refused(rules: Any) -> list[Problem]:
    """What is wrong with the rules."""
    found = parse(rules)
    assert isinstance(found, list), found
    return found


def nested(times: int) -> list[Any]:
    """A list in a list in a list."""
    outer: list[Any] = []
    for _ in range(times):
        outer = [outer]
    return outer


@pytest.mark.parametrize(
    ("rules", "place", "problem", "remedy"),
    [
        pytest.param({}, "stages", "is missing", "add it", id="no stages"),
        pytest.param({"stages": []}, "stages", "at least 1 item", "put at least one", id="empty"),
        pytest.param(
            with_(silnt=[{"days": 3}]), "stages.0.silnt", "no field", "silent", id="misspelt"
        ),
        pytest.param(
            with_(purchases=[BOUGHT], why="x"),
            *("stages.0.why", "is no field here", "known here: name, means, purchases"),
            id="unknown field",
        ),
        pytest.param(
            with_(purchases=BOUGHT), "stages.0.purchases", "not a list", "square", id="no list"
        ),
        pytest.param(
            with_(purchases=[3]), "stages.0.purchases.0", "not a table", "braces", id="no table"
        ),
        pytest.param(
            with_(purchases=[{"at_least": "3"}]),
            *("stages.0.purchases.0.at_least", "not a whole number", "without quotes"),
            id="a number in quotes",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 1.5}]),
            *("stages.0.purchases.0.at_least", "not a whole number", "decimal point"),
            id="one and a half purchases",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 0}]),
            *("stages.0.purchases.0.at_least", "greater than or equal to 1", "change it"),
            id="at least none",
        ),
        pytest.param(
            with_(silent=[{"days": 0}]),
            *("stages.0.silent.0.days", "greater than or equal to 1", "change it"),
            id="a silence of no days",
        ),
        pytest.param(
            with_(active=[{"kinds": ["responded"], "within_days": -5}]),
            *("stages.0.active.0.within_days", "greater than or equal to 1", "change it"),
            id="an empty window",
        ),
        pytest.param(
            with_(active=[{"kinds": ["bougth"]}]),
            *("stages.0.active.0.kinds.0", "'bought'", "write one of these"),
            id="unknown kind",
        ),
        pytest.param(
            of({"name": "At Risk", "silent": [{"days": 3}]}),
            *("stages.0.name", "match pattern", "lower-case"),
            id="a name that is none",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 3, "at_most": 2}]),
            *("stages.0.purchases.0.at_least", "is above at_most, 2", "swap them"),
            id="more than at most",
        ),
        pytest.param(
            with_(purchases=[{"within_days": 30}]),
            *("stages.0.purchases.0", "asks for nothing", "add at_least or at_most"),
            id="a window without a number",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 51, "within_days": 365}]),
            *("stages.0.purchases.0.at_least", "above 50", "leave within_days out"),
            id="more than are looked at",
        ),
        pytest.param(
            with_(purchases=[{"at_most": 50, "within_days": 365}]),
            *("stages.0.purchases.0.at_most", "above 49", "leave within_days out"),
            id="at most more than are looked at",
        ),
        pytest.param(
            with_(active=[{"kinds": ["served"], "within_days": 3, "within_rhythm_percent": 100}]),
            *("stages.0.active.0", "two windows", "leave one of them out"),
            id="two windows",
        ),
        pytest.param(
            with_(active=[{"kinds": ["bought"], "after_purchase": True}]),
            *("stages.0.active.0.after_purchase", "no purchase is after", "name other kinds"),
            id="a purchase after the last",
        ),
        pytest.param(
            with_(silent=[{"days": 3, "rhythm_percent": 100}]),
            *("stages.0.silent.0", "two lengths", "leave one of them out"),
            id="two lengths of silence",
        ),
        pytest.param(
            with_(silent=[{}]),
            *("stages.0.silent.0", "for how long", "add days or rhythm_percent"),
            id="silence without length",
        ),
        pytest.param(
            of(LAPSED, {"name": "back", "returned": {"after": "lapst"}}),
            *("stages.1.returned.after", "no stage of this machine", "did you mean lapsed?"),
            id="back from a stage that there is not",
        ),
        pytest.param(
            of(LAPSED, {"name": "back", "returned": {"after": "back"}}),
            *("stages.1.returned.after", "this stage itself", "name the stage that was left"),
            id="back from the stage itself",
        ),
        pytest.param(
            of(LAPSED, {"name": "lapsed", "purchases": [BOUGHT]}),
            *("stages.1.name", "is the name of stages.0 too", "its own name"),
            id="two stages of one name",
        ),
        pytest.param(
            of(LAPSED, rhythm={"min_days": 90, "max_days": 30}),
            *("rhythm.min_days", "is above max_days, 30", "swap them"),
            id="a rhythm's bounds swapped",
        ),
        pytest.param(
            of(LAPSED, rhythm={"min_days": 7, "max_days": 30, "fallback_days": 60}),
            *("rhythm.fallback_days", "not between min_days and max_days", "between them"),
            id="a fallback out of bounds",
        ),
        pytest.param(
            {"stages": [LAPSED]},
            *("stages.0", "is the last stage and has conditions", "end with a stage without"),
            id="nobody else",
        ),
        pytest.param(
            of({"name": "all"}, LAPSED),
            *("stages.1", "never reached, for all above it", "move it above all"),
            id="below a stage that takes everybody",
        ),
        pytest.param(
            with_(
                active=[{"kinds": ["responded"], "within_days": 30}],
                silent=[{"kinds": ["responded", "bought"], "days": 30}],
            ),
            *("stages.0.silent.0", "is an empty window, for active.0", "less silence"),
            id="active and silent at once",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 1, "within_days": 7}], silent=[{"rhythm_percent": 100}]),
            *("stages.0.silent.0", "is an empty window, for purchases.0", "less silence"),
            id="bought lately and silent for any rhythm",
        ),
        pytest.param(
            with_(purchases=[{"at_least": 3, "within_days": 30}, {"at_most": 2}]),
            *("stages.0.purchases.0", "more than purchases.1 allows", "leave one of them out"),
            id="more within a month than ever",
        ),
        pytest.param(
            of(
                LAPSED,
                {"name": "x", "returned": {"after": "lapsed"}, "purchases": [{"at_most": 0}]},
            ),
            *("stages.1.returned", "more than purchases.0 allows", "leave one of them out"),
            id="back without a purchase",
        ),
    ],
)
def test_what_cant_be_meant_is_refused_with_its_place_and_remedy(
    rules: Any, place: str, problem: str, remedy: str
) -> None:
    found = refused(rules)[0]

    assert found.field == place
    assert problem in found.problem
    assert remedy in found.remedy


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"stages": [{"name": "\ud800"}]}, id="a lone surrogate"),
        pytest.param({"stages": [{"name": float("nan")}]}, id="no number"),
        pytest.param({"stages": {"name": "a"}}, id="a table for a list"),
        pytest.param({"stages": [None]}, id="null for a table"),
        pytest.param({"stages": [REST] * 1000}, id="a thousand stages"),
        pytest.param({"stages": [{"name": "a" * 100_000}]}, id="a long name"),
        pytest.param({"stages": [{f"field{n}": n for n in range(500)}]}, id="many fields"),
        pytest.param([], id="no tree at all"),
        pytest.param({"stages": nested(5000)}, id="deep"),
    ],
)
def test_rubbish_is_refused_and_never_raises(rules: Any) -> None:
    assert 1 <= len(refused(rules)) <= 50
    assert all(len(str(one.value)) < 100 for one in refused(rules))


def test_all_problems_are_told_at_once() -> None:
    rules = of({"name": "a", "silent": [{}]}, {"name": "a", "purchases": [{"within_days": 3}]})

    assert [one.field for one in refused(rules)] == [
        "stages.1.name",
        "stages.0.silent.0",
        "stages.1.purchases.0",
    ]


def test_the_machines_that_ship_could_be_published() -> None:
    assert {name: parse(tree) for name, tree in default_rules().items()} == default_machines()
    assert [*default_machines()] == ["default", "crm", "journey"]
    assert all(
        machine.means and all(stage.means for stage in machine.stages)
        for machine in default_machines().values()
    )
