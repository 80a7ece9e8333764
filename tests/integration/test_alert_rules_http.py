"""Alert rules over HTTP: those in force with what came of them, tried out before they are on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.rules.alerts import default_rules
from services.store.urls import Urls
from tests.integration.alerted import acted, raised
from tests.integration.house import START, House, Json, bought, serving

RULES = "/v1/alerts/rules"
BACKTEST = "/v1/alerts/backtest"
DAY_S = 86_400
BEGAN = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=400)
AGO_S = (BEGAN - START).total_seconds()
QUICK = {"when": [{"silent": {"days": 20, "until_days": 60}}], "severity": "info"}


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database."""
    with serving(urls, monkeypatch) as house:
        house.fold()
        yield house


def weekly(who: str, weeks: int) -> list[Json]:
    """Who buys every week, and then no more."""
    return [
        bought(f"{who}-{week}", 1_000, who, at=AGO_S + 7 * week * DAY_S, id=f"{who}-{week}")
        for week in range(weeks)
    ]


def lived(house: House) -> None:
    """One who left after ten weeks, and one who stayed for a year."""
    house.tell(*weekly("user:1", 10), *weekly("user:2", 52))
    house.tick(BEGAN + timedelta(days=365))
    house.score()


def period(days: int) -> Json:
    return {"from": BEGAN.isoformat(), "to": (BEGAN + timedelta(days=days)).isoformat()}


def by_name(house: House) -> dict[str, Json]:
    return {one["rule"]: one for one in house.found(RULES)["items"]}


def test_the_rules_that_ship_are_in_force_with_nothing_found_yet(house: House) -> None:
    found = by_name(house)

    assert found.keys() == default_rules().keys()
    assert found["silence"]["severity"] == "warning"
    assert found["silence"]["is_enabled"] is True
    assert {one["raised"] for one in found.values()} == {0}
    assert {one["precision"] for one in found.values()} == {None}


def test_what_came_of_alerts_is_counted_by_rule(house: House) -> None:
    lived(house)
    alert = raised(house, "user:3")
    acted(house, alert, "act", {"action": "called"})

    found = by_name(house)

    silence, detractor = found["silence"], found["detractor"]
    assert (silence["raised"], silence["told"], silence["left"]) == (1, 0, 1)
    assert (silence["precision"], silence["precision_unattended"]) == (1.0, 1.0)
    assert (detractor["raised"], detractor["told"], detractor["acted"]) == (1, 1, 1)
    assert (detractor["open"], detractor["precision"]) == (1, None)


def test_a_rule_is_tried_out_on_all_that_happened(house: House) -> None:
    lived(house)

    answer = house.post(BACKTEST, {"rule": "silence", **period(270)}, "admin")

    assert answer.status_code == 200, answer.text
    found = answer.json()["found"]
    assert (found["customers"], found["alerts_total"], found["departures_total"]) == (2, 1, 1)
    assert (found["precision"], found["recall"], found["base_rate"]) == (1.0, 1.0, 0.5)
    [alert] = found["alerts"]
    assert alert["customer_id"] == house.id_of("user:1")
    raised_at = BEGAN + timedelta(days=63 + 42)
    assert datetime.fromisoformat(alert["raised_at"]) == raised_at
    assert found["lead_days"] == 90 + 1 - 42
    assert by_name(house)["silence"]["backtested_at"] == answer.json()["tested_at"]


def test_a_rule_of_ones_own_is_compared_with_the_one_in_force(house: House) -> None:
    lived(house)
    asked = {"rule": "silence", "rules": QUICK, **period(270)}

    found = house.post(BACKTEST, asked, "admin").json()["found"]

    assert found["in_force"]["alerts_total"] == 1
    assert found["compared"]["both"] == 1
    assert found["compared"]["only_new"] == 0


def test_only_what_was_tried_out_is_switched_on(house: House) -> None:
    lived(house)
    policy = {"kind": "alert", "name": "quick", "rules": QUICK}
    with house.running():
        refused = house.post("/v1/policies", policy, "admin")
        off = house.post(
            "/v1/policies", {**policy, "rules": {**QUICK, "is_enabled": False}}, "admin"
        )
        house.post(BACKTEST, {"rule": "quick", "rules": QUICK, **period(270)}, "admin")
        done = house.post("/v1/policies", policy, "admin")
        forced = house.post("/v1/policies", {**policy, "name": "other", "force": True}, "admin")
        softer = {**default_rules()["silence"], "severity": "info"}
        reworded = house.post(
            "/v1/policies", {"kind": "alert", "name": "silence", "rules": softer}, "admin"
        )

    assert (refused.status_code, refused.json()["field"]) == (422, "rules")
    assert "backtest" in refused.json()["remedy"]
    for answer in (off, done, forced, reworded):
        assert answer.status_code == 201, answer.text


def test_what_can_not_be_tried_out_is_refused_with_what_to_do(house: House) -> None:
    asked: list[tuple[Any, int, str]] = [
        ({"rule": "made_up"}, 404, "rule"),
        ({}, 422, "rule"),
        ({"rule": "x", "rules": {"when": [{"silent": {}}]}}, 422, "rules.when.0.silent"),
        ({"rule": "silence", "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422,
         "to"),
        ({"rule": "silence", "from": "yesterday"}, 422, "from"),
    ]  # fmt: skip
    for body, status, field in asked:
        answer = house.post(BACKTEST, body, "admin")
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert answer.json()["remedy"]
    assert house.post(BACKTEST, {"rule": "silence"}).status_code == 403


def test_a_new_version_lets_alerts_begin_when_it_applies(house: House) -> None:
    house.tell(*weekly("user:1", 10))
    house.score()
    assert house.found("/v1/alerts")["items"] == []
    with house.running():
        body = {"kind": "alert", "name": "quick", "rules": QUICK, "force": True}
        answer = house.post("/v1/policies", body, "admin")
    house.score()

    effective_at = answer.json()["effective_at"]

    assert house.found("/v1/alerts?rule=quick")["items"] == []
    assert by_name(house).get("quick") is None, "it does not apply yet"
    assert effective_at
