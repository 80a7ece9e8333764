"""Alert rules name stages and tiers that there are, or are refused with those."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.rules import lifecycle, loyalty
from services.commands.naming import unknown_names
from services.commands.policies import to_come
from services.store.policies import Policy
from tests.alerting import rule

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def policy(kind: str, rules: Any, name: str = "default", since: datetime | None = None) -> Policy:
    return Policy(kind, name, 1 if since is None else 2, since, NOW, rules)


SHIPPED = [
    policy("lifecycle", rules, name) for name, rules in lifecycle.default_rules().items()
] + [policy("loyalty", loyalty.default_rules())]


def told(who: dict[str, Any], policies: list[Policy]) -> list[tuple[str, str, str]]:
    asked = rule(when=[{"silent": {"days": 30}}], who=who)
    found = unknown_names(asked, to_come(policies, NOW))
    return [(one.field, one.problem, one.remedy) for one in found]


def test_what_is_there_may_be_named_newcomers_too() -> None:
    who = {"stages": ["prospect", "at_risk"], "tiers": ["bronze", "gold"]}

    assert told(who, SHIPPED) == []


def test_what_is_not_there_is_told_with_its_place_and_the_names_there_are() -> None:
    found = told({"stages": ["loyal", "at_rsik"], "tiers": ["platinum"]}, SHIPPED)

    assert [one[:2] for one in found] == [
        ("who.stages.1", "is no stage of the lifecycle machine default"),
        ("who.tiers.0", "is no tier of the loyalty programme"),
    ]
    assert found[0][2].startswith("did you mean at_risk? the stages are lapsed, ")
    assert found[1][2] == "the tiers are bronze, silver, gold"


def test_stages_of_another_machine_are_none() -> None:
    [(place, *_)] = told({"stages": ["convert"]}, SHIPPED)

    assert place == "who.stages.0"


def test_without_policies_there_is_nothing_to_name() -> None:
    assert [one[2] for one in told({"stages": ["loyal"], "tiers": ["gold"]}, [])] == [
        "there are no stages yet", "there are no tiers yet"
    ]  # fmt: skip


def test_names_of_the_past_are_gone_and_those_to_come_are_known() -> None:
    day = timedelta(days=1)
    changed = [
        *SHIPPED,
        policy("lifecycle", {"stages": [{"name": "warm"}]}, since=NOW - day),
        policy("lifecycle", {"stages": [{"name": "hot"}]}, since=NOW + day),
    ]

    found = told({"stages": ["warm", "hot", "at_risk"]}, changed)

    assert [one[0] for one in found] == ["who.stages.2"]
