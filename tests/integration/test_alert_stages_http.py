"""Alerts by stage and tier over HTTP: from what the folds decide to the alert that asks for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from schemas import PolicyPublished
from services.fold.decisions import decision
from services.store.urls import Urls
from tests.integration.alerted import alerts, now, rated
from tests.integration.house import House, Json, bought, serving

BAD: Json = {"feedback": {"survey": "nps", "at_most": 6, "within_days": 30}}


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database."""
    with serving(urls, monkeypatch) as house:
        house.fold()
        yield house


def ruled(house: House, name: str, who: Json) -> None:
    """A rule that always was in force, in a workspace that has events."""
    data = PolicyPublished(
        kind="alert", name=name, policy_version=1, rules={"when": [BAD], "who": who}, by="test"
    )
    long_ago = datetime.now(UTC) - timedelta(days=300)
    house.decided(("shop", decision(data, id_=f"rule-{name}", occurred_at=long_ago)))


def purchase(order: str, who: str, amount_minor: int, **ago: float) -> Json:
    return bought(order, amount_minor, who, id=order) | {"occurred_at": now(**ago)}


def told(house: House) -> set[tuple[str, str, str]]:
    """Rule, customer and status of all alerts but those of the rules that ship."""
    return {
        (one["rule"], one["customer_id"], one["status"])
        for one in alerts(house)
        if one["rule"] in ("gold", "early", "bronze", "new")
    }


def test_a_rule_alerts_those_whom_the_folds_put_into_its_stage_or_tier(house: House) -> None:
    ruled(house, "gold", {"tiers": ["gold"]})
    ruled(house, "early", {"stages": ["prospect", "engaged"]})
    ruled(house, "new", {"stages": ["new"], "tiers": ["bronze"]})
    house.tell(
        purchase("o-1", "user:1", 3_000_00, seconds=5),
        purchase("o-2", "user:2", 10_00, seconds=5),
    )
    house.score()
    house.tell(*(rated(2, who) for who in ("user:1", "user:2", "user:3")))

    house.score()

    first, second, third = (house.id_of(f"user:{number}") for number in (1, 2, 3))
    assert told(house) == {
        ("gold", first, "open"), ("new", second, "open"), ("early", third, "open")
    }  # fmt: skip


def test_moving_on_begins_an_episode_and_ends_none(house: House) -> None:
    ruled(house, "early", {"stages": ["prospect"]})
    ruled(house, "new", {"stages": ["new"]})
    house.tell(rated(2, "user:1"))
    house.score()
    house.tell(purchase("o-1", "user:1", 10_00))

    house.score()

    customer = house.id_of("user:1")
    assert told(house) == {("early", customer, "open"), ("new", customer, "open")}


def test_a_rule_that_names_what_is_not_there_is_refused(house: House) -> None:
    body = {
        "kind": "alert", "name": "gold", "force": True,
        "rules": {"when": [BAD], "who": {"stages": ["loyl"], "tiers": ["platinum"]}},
    }  # fmt: skip

    refused = house.post("/v1/policies", body, "admin")
    tried = house.post("/v1/alerts/backtest", {"rule": "x", "rules": body["rules"]}, "admin")

    found = refused.json()
    assert (refused.status_code, found["field"]) == (422, "who.stages.0"), refused.text
    assert "did you mean loyal?" in found["remedy"]
    assert [one["field"] for one in found["problems"]] == ["who.stages.0", "who.tiers.0"]
    assert "bronze, silver, gold" in found["problems"][1]["remedy"]
    assert (tried.status_code, tried.json()["field"]) == (422, "rules.who.stages.0")


def test_a_backtest_asks_the_decisions_that_were_told(house: House) -> None:
    house.tell(
        purchase("o-1", "user:1", 3_000_00, seconds=5),
        purchase("o-2", "user:2", 10_00, seconds=5),
    )
    house.score()
    house.tell(rated(2, "user:1"), rated(2, "user:2"))
    house.score()
    rules = {"when": [BAD], "who": {"tiers": ["gold"]}}
    at = datetime.now(UTC) + timedelta(minutes=1)
    asked = {"rule": "gold", "rules": rules, "to": at.isoformat()}

    answer = house.post("/v1/alerts/backtest", asked, "admin")

    assert answer.status_code == 200, answer.text
    found = answer.json()["found"]
    assert [one["customer_id"] for one in found["alerts"]] == [house.id_of("user:1")]
