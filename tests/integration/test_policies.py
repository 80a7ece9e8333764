"""Policies over HTTP and from the command line: shown, refused, tried out and published."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from schemas.rules import lifecycle, loyalty
from services import web
from services.commands.policies import Policies
from services.main import app
from services.store.urls import Urls
from tests.integration.house import House, Json, bought, found_by_commands, serving, waiting_for

NOW = datetime.now(UTC)


@pytest.fixture
def house(urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served platform that the command line finds too."""
    found_by_commands(urls, tmp_path / "data", monkeypatch)
    with serving(urls, monkeypatch) as house:
        yield house


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--workspace", "shop"])


def publish(house: House, body: Json, *, as_: str = "admin") -> httpx.Response:
    return house.client.post(
        "/v1/policies", content=json.dumps(body).encode(), headers=house._headers(as_)
    )


def rules(**changes: Any) -> Json:
    return {**loyalty.default_rules(), **changes}


def test_a_policy_is_published_over_http_and_shown_beside_the_one_in_force(house: House) -> None:
    house.told(bought("o1", 100_000, "user:1"))

    with house.running():
        published = publish(house, {"kind": "loyalty", "rules": rules(notice_days=7)})
        items = house.found("/v1/policies")["items"]

    assert published.status_code == 201, published.text
    assert published.json()["version"] == 2
    assert published.json()["is_applied"]
    [one, two] = [item for item in items if item["kind"] == "loyalty"]
    assert (one["version"], one["is_in_force"]) == (1, True)
    assert (two["version"], two["is_in_force"]) == (2, False)
    assert two["rules"]["notice_days"] == 7
    assert datetime.fromisoformat(two["effective_at"]) > NOW + timedelta(minutes=14)


def test_every_problem_of_a_policy_is_told_with_its_place(house: House) -> None:
    wrong = rules(notice_days=-1, expiry={"rule": "rolling"}, colour="red")

    response = publish(house, {"kind": "loyalty", "rules": wrong})

    assert response.status_code == 422
    problems = response.json()["problems"]
    assert {"notice_days", "colour"} <= {problem["field"] for problem in problems}
    assert all(problem["remedy"] for problem in problems)
    assert response.json()["field"] == problems[0]["field"]


def test_only_admins_publish(house: House) -> None:
    assert publish(house, {"kind": "loyalty", "rules": rules()}, as_="secret").status_code == 403


def test_rules_of_the_past_can_not_be_changed_once_something_happened(house: House) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    draft = {"kind": "loyalty", "rules": rules(), "effective_at": soon}
    house.told(bought("o1", 100_000, "user:1"))

    too_soon = publish(house, draft)
    no_zone = publish(house, draft | {"effective_at": "2030-01-01T00:00:00"})
    unknown = publish(house, draft | {"kind": "loyality"})
    no_rules = publish(house, {"kind": "loyalty"})

    assert (too_soon.status_code, too_soon.json()["field"]) == (422, "effective_at")
    assert "or later" in too_soon.json()["remedy"]
    assert (no_zone.status_code, no_zone.json()["field"]) == (422, "effective_at")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "kind")
    assert (no_rules.status_code, no_rules.json()["field"]) == (422, "rules")


def test_before_the_first_event_rules_hold_from_the_beginning(house: House) -> None:
    with house.running():
        first = publish(house, {"kind": "loyalty", "rules": rules(first_purchase_points=7)})
        house.tell(bought("o1", 100_000, "user:1"))
    house.fold()

    assert first.json()["effective_at"] is None
    assert balance(house) == 1007


def test_of_versions_from_the_same_instant_on_the_last_rules(house: House) -> None:
    with house.running():
        for points in (7, 8):
            publish(house, {"kind": "loyalty", "rules": rules(first_purchase_points=points)})
        house.tell(bought("o1", 100_000, "user:1"))
        items = house.found("/v1/policies")["items"]
    house.fold()

    assert balance(house) == 1008
    own = [item for item in items if item["kind"] != "alert"]
    ruling = [item["version"] for item in own if item["is_in_force"]]
    assert ruling == [1, 1, 1, 3]


def test_a_lifecycle_begins_with_a_whole_day(house: House) -> None:
    house.told(bought("o1", 100_000, "user:1"))
    machine = dict(lifecycle.default_rules()["crm"])

    with house.running():
        answer = publish(house, {"kind": "lifecycle", "name": "crm", "rules": machine})
        items = house.found("/v1/policies")["items"]

    begins_at = datetime.fromisoformat(answer.json()["effective_at"])
    assert (begins_at.hour, begins_at.minute, begins_at > NOW) == (0, 0, True)
    assert [item["effective_at"] for item in items if item["name"] == "crm"] == [
        None, answer.json()["effective_at"],
    ]  # fmt: skip


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "Policies", partial(Policies, patience_s=0.05))


def test_versions_count_up_though_the_folds_are_behind(impatient: None, house: House) -> None:
    house.fold()
    drafts = [{"kind": "loyalty", "rules": rules(notice_days=days)} for days in (1, 2)]

    answers = [publish(house, draft) for draft in drafts]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["version"] for answer in answers] == [2, 3]
    position = answers[1].headers["Touchline-Position"]
    with house.running():
        items = house.found("/v1/policies", **waiting_for(position))["items"]
    assert [item["version"] for item in items if item["kind"] == "loyalty"] == [1, 2, 3]


def test_the_rules_in_force_are_shown_and_can_be_published_as_shown(
    house: House, tmp_path: Path
) -> None:
    house.fold()
    shown = touchline("policies", "show", "--kind", "loyalty")
    file = tmp_path / "loyalty.toml"
    file.write_text(shown.stdout.replace("notice_days = 30", "notice_days = 60"))

    with house.running():
        published = touchline("policies", "publish", str(file), "--json")
    again = touchline("policies", "show", "--kind", "loyalty", "--json")

    assert "# Version 1, in force from the beginning" in shown.stdout
    assert published.exit_code == 0, published.output
    assert json.loads(published.stdout)[0]["version"] == 2
    [policy] = json.loads(again.stdout)
    assert policy["rules"]["notice_days"] == 60


def test_the_rules_that_ship_teach(house: House) -> None:
    shown = CliRunner().invoke(app, ["policies", "show", "--default", "--kind", "loyalty"])
    unknown = CliRunner().invoke(app, ["policies", "show", "--default", "--kind", "points"])

    assert "# Points are whole." in shown.stdout
    assert (unknown.exit_code, "loyalty" in unknown.stderr) == (2, True)


def test_a_wrong_file_is_refused_with_each_place_and_remedy(house: House, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('notice_days = -1\ncolour = "red"\n[expiry]\nrule = "rolling"\n')

    refused = touchline("policies", "publish", str(file))
    as_json = touchline("policies", "publish", str(file), "--json")
    no_zone = touchline("policies", "publish", str(file), "--effective-at", "2030-01-01")

    assert refused.exit_code == as_json.exit_code == no_zone.exit_code == 2
    assert "loyalty default: notice_days (-1)" in refused.stderr
    assert "colour" in refused.stderr
    assert len(json.loads(as_json.stdout)) >= 2
    assert "zone" in no_zone.stderr


def test_a_trial_says_who_would_change_and_changes_nothing(house: House, tmp_path: Path) -> None:
    amounts = [100, 400, 600, 700, 2500]
    house.told(*(bought(f"o{n}", amount * 100, f"user:m{n}") for n, amount in enumerate(amounts)))
    before = house.rows("SELECT customer_id, state, tier FROM live.loyalty ORDER BY 1")
    changed = rules()
    levels = changed["tiers"]["levels"]
    changed["tiers"] = {**changed["tiers"], "levels": [levels[0], {**levels[1], "threshold": 700}]}
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(changed))

    tried = touchline("policies", "publish", str(file), "--dry-run", "--json")
    told = touchline("policies", "publish", str(file), "--dry-run")

    assert tried.exit_code == 0, tried.output + repr(tried.exception)
    found = json.loads(tried.stdout)
    assert found["customers"] == 5
    assert {
        (move["from"], move["to"]): move["customers"] for move in found["in_the_end"]["moves"]
    } == {
        ("silver", "bronze"): 1,
        ("gold", "silver"): 1,
    }
    assert len(found["in_the_end"]["examples"]) == 2
    assert "silver" in told.stdout
    assert house.rows("SELECT customer_id, state, tier FROM live.loyalty ORDER BY 1") == before


def balance(house: House) -> int:
    [(found,)] = house.rows("SELECT balance FROM live.loyalty")
    return int(found)
