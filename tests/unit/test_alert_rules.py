"""Alert rules: those that ship, and what is refused, with its place and remedy."""

from typing import Any

import pytest

from schemas.rules.alerts import Alert, default_alerts, default_rules, parse

OK: dict[str, Any] = {"when": [{"silent": {"days": 30}}]}


def when(**condition: object) -> dict[str, Any]:
    return {"when": [condition]}


def test_the_rules_that_ship_are_rules() -> None:
    assert {name: parse(rules) for name, rules in default_rules().items()} == default_alerts()
    assert len(default_alerts()) == 11


def test_every_rule_that_ships_says_what_it_means() -> None:
    assert all(len(rule.means) > 20 for rule in default_alerts().values())


def test_a_rule_needs_no_more_than_a_condition() -> None:
    found = parse(OK)

    assert isinstance(found, Alert)
    assert (found.severity, found.owner, found.snooze_days) == ("warning", "customer_success", 0)


@pytest.mark.parametrize(
    ("rules", "place", "problem", "remedy"),
    [
        pytest.param({}, "when", "is missing", "add it", id="nothing"),
        pytest.param({"when": []}, "when", "at least 1 item", "put at least one", id="empty"),
        pytest.param(OK | {"severty": "info"}, "severty", "no field", "severity", id="misspelt"),
        pytest.param(
            when(silent={"rythm_percent": 200}), "when.0.silent.rythm_percent", "no field",
            "did you mean rhythm_percent?", id="misspelt inside",
        ),
        pytest.param(
            when(score={"name": "churn", "enters_at": 0.7, "leaves_at": 0.6}),
            "when.0.score.name", "churn_risk", "write one of these", id="no such score",
        ),
        pytest.param(
            when(happened={"types": ["email.unsubscribe"], "within_days": 3}),
            "when.0.happened.types.0", "no type of event", "email.unsubscribed", id="no such type",
        ),
        pytest.param(
            when(happened={"types": ["case.opened"], "within_days": 0}),
            "when.0.happened.within_days", "greater than or equal to 1", "change it",
            id="empty window",
        ),
        pytest.param(
            when(happened={"types": ["case.opened"]}),
            "when.0.happened.within_days", "window is empty", "within_days = 30", id="no window",
        ),
        pytest.param(
            when(happened={"types": ["web.acted"], "undone_by": ["web.acted"], "within_days": 3}),
            "when.0.happened.undone_by", "never holds", "leave it out", id="undoes itself",
        ),
        pytest.param(
            when(said={"undone_by": ["renewed"], "within_days": 3}),
            "when.0.said.undone_by.0", "no type of event", "GET /v1/schemas", id="undone by what",
        ),
        pytest.param(
            when(silent={"days": 30, "until_days": 30}), "when.0.silent.until_days",
            "window is empty", "raise it above 30", id="silence that ends as it begins",
        ),
        pytest.param(
            when(silent={"rhythm_percent": 200, "until_percent": 150}),
            "when.0.silent.until_percent", "window is empty", "raise it above 200", id="too soon",
        ),
        pytest.param(
            when(silent={"days": 30, "until_percent": 150}), "when.0.silent.until_percent",
            "says nothing without rhythm_percent", "leave it out", id="ends by another measure",
        ),
        pytest.param(
            when(silent={}), "when.0.silent", "for how long", "rhythm_percent", id="no length"
        ),
        pytest.param(
            when(silent={"days": 3, "rhythm_percent": 200}), "when.0.silent", "two lengths",
            "leave one of them out", id="two lengths",
        ),
        pytest.param(
            when(silent={"rhythm_percent": 200, "min_days": 90, "max_days": 30}),
            "when.0.silent.min_days", "above max_days", "swap them", id="bounds swapped",
        ),
        pytest.param(
            when(silent={"rhythm_percent": 200, "fallback_days": 2}),
            "when.0.silent.fallback_days", "not between", "between them", id="fallback",
        ),
        pytest.param(
            when(score={"name": "health", "enters_at": 40.0, "leaves_at": 40.0}),
            "when.0.score.leaves_at", "would flap", "raise it", id="no hysteresis",
        ),
        pytest.param(
            when(score={"name": "churn_risk", "enters_at": 70.0, "leaves_at": 0.6}),
            "when.0.score.enters_at", "not between 0 and 1", "scale", id="off the scale",
        ),
        pytest.param(
            when(
                falling={
                    "of": "spend", "enters_at_percent": 50, "leaves_at_percent": 50, "minimum": 1
                }
            ),
            "when.0.falling.leaves_at_percent", "would flap", "raise it, like 70", id="trend flaps",
        ),
        pytest.param(
            when(
                falling={
                    "of": "visits", "enters_at_percent": 50, "leaves_at_percent": 70,
                    "before_days": 10, "minimum": 11,
                }
            ),
            "when.0.falling.minimum", "above before_days, 10", "lower it", id="too many days",
        ),
        pytest.param(
            when(feedback={"survey": "csat", "at_most": 6, "within_days": 3}),
            "when.0.feedback.at_most", "not from 1 to below 5", "scale", id="another scale",
        ),
        pytest.param({"when": [{}]}, "when.0", "asks for nothing", "silent", id="no condition"),
        pytest.param(
            when(silent={"days": 3}, unanswered={"hours": 3}), "when.0",
            "silent and unanswered", "condition of its own", id="two in one",
        ),
        pytest.param(
            OK | {"at_least": 2}, "at_least", "above 1", "lower it to 1", id="two of one"
        ),
        pytest.param(
            {"when": [*OK["when"], *OK["when"]]}, "when.1", "twice", "remove", id="twice"
        ),
        pytest.param(
            when(combined={"at_least": 3, "within_days": 9, "of": [
                {"payments_failed": {}}, {"said": {}}]}),
            "when.0.combined.at_least", "above 2", "add conditions", id="three of two",
        ),
        pytest.param(
            when(combined={"at_least": 1, "within_days": 9, "of": [
                {"payments_failed": {"within_days": 3}}, {"said": {}}]}),
            "when.0.combined.of.0.payments_failed.within_days", "second window", "leave one",
            id="a window in a window",
        ),
        pytest.param(
            when(combined={"at_least": 1, "within_days": 9, "of": [{"combined": {}}, {}]}),
            "when.0.combined.of.0.combined", "no field", "known here", id="a combination in one",
        ),
        pytest.param(
            OK | {"who": {"least_spend_minor": 5}}, "who.currency", "missing", "EUR", id="of what",
        ),
        pytest.param(
            OK | {"who": {"currency": "EUR"}}, "who.currency", "without an amount", "leave it out",
            id="of nothing",
        ),
        pytest.param(
            {"when": [
                {"silent": {"days": 30}},
                {"happened": {"types": ["purchase.completed"], "within_days": 20}},
            ]},
            "when.0.silent", "never holds beside when.1", "widen when.1", id="silent and bought",
        ),
        pytest.param(
            {"when": [
                {"score": {"name": "health", "enters_at": 80.0, "leaves_at": 70.0}},
                {"score": {"name": "health", "enters_at": 30.0, "leaves_at": 40.0}},
            ]},
            "when.1.score", "never begins beside when.0", "leave one", id="both well and ill",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_cant_be_meant_is_refused_with_its_place(
    rules: dict[str, Any], place: str, problem: str, remedy: str
) -> None:
    found = parse(rules)

    assert isinstance(found, list)
    assert [place] == [one.field for one in found if one.field == place][:1], found
    told = next(one for one in found if one.field == place)
    assert problem in told.problem
    assert remedy in told.remedy


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = parse(
        when(score={"name": "churn_risk", "enters_at": 7.0, "leaves_at": 7.0})
        | {"who": {"currency": "EUR"}}
    )

    assert isinstance(found, list)
    assert [one.field for one in found] == [
        "who.currency", "when.0.score.enters_at", "when.0.score.leaves_at", "when.0.score.leaves_at"
    ]  # fmt: skip


def test_what_may_hold_together_is_no_contradiction() -> None:
    yesterday_evening = {"happened": {"types": ["purchase.completed"], "within_days": 30}}
    scores = [
        {"score": {"name": "health", "enters_at": 40.0, "leaves_at": 30.0}},
        {"score": {"name": "health", "enters_at": 60.0, "leaves_at": 70.0}},
    ]

    assert isinstance(parse({"when": [{"silent": {"days": 30}}, yesterday_evening]}), Alert)
    assert isinstance(parse({"when": scores}), Alert)


def test_a_rule_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"when": deep}

    assert isinstance(parse(deep), list)
