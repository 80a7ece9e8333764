"""Alerts from the command line: listed, acted upon, and rules tried out before they are on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.main import app
from services.main.toml import dumps
from services.store.urls import Urls
from tests.integration.alerted import raised
from tests.integration.house import House, found_by_commands, serving
from tests.integration.test_alert_rules_http import BEGAN, QUICK, lived


@pytest.fixture
def house(urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database, which the command line finds too."""
    found_by_commands(urls, tmp_path, monkeypatch)
    with serving(urls, monkeypatch) as house:
        house.fold()
        yield house


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--workspace", "shop"])


def answer(*arguments: str) -> Any:
    result = touchline(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_alert_is_listed_shown_and_acknowledged(house: House) -> None:
    alert = raised(house)
    id_ = alert["alert_id"]

    assert [one["alert_id"] for one in answer("alerts", "list", "--status", "open")] == [id_]
    assert answer("alerts", "show", id_)["evidence"] == alert["evidence"]
    assert "feedback.answer" in touchline("alerts", "show", id_).stdout
    assert id_ in touchline("alerts", "list", "--rule", "detractor").stdout
    done = answer("alerts", "acknowledge", id_, "--action", "called", "--key", "k")
    assert answer("alerts", "acknowledge", id_, "--action", "called", "--key", "k") == done
    house.score()

    shown = answer("alerts", "show", id_)
    assert (shown["status"], shown["action"], shown["acknowledged_by"]) == (
        "acknowledged", "called", "cli",
    )  # fmt: skip
    assert answer("alerts", "list", "--status", "open") == []
    [rule] = [one for one in answer("alerts", "rules") if one["rule"] == "detractor"]
    assert (rule["raised"], rule["acted"]) == (1, 1)
    assert "detractor" in touchline("alerts", "rules").stdout


def test_what_there_is_not_is_said(house: House) -> None:
    house.fold()

    for arguments in (
        ("alerts", "show", "made.up"),
        ("alerts", "acknowledge", "made.up"),
        ("alerts", "list", "--status", "odd"),
        ("alerts", "backtest", "made_up"),
        ("alerts", "backtest", "silence", "--from", "yesterday"),
    ):
        result = touchline(*arguments)
        assert result.exit_code != 0, arguments
        assert not isinstance(result.exception, AssertionError)


def test_a_rule_in_a_file_is_tried_out_and_then_switched_on(house: House, tmp_path: Path) -> None:
    lived(house)
    file = tmp_path / "rule.toml"
    file.write_text(dumps({"kind": "alert", "name": "quick", **QUICK}))

    assert touchline("policies", "publish", str(file)).exit_code != 0
    [found] = answer("alerts", "backtest", str(file), "--from", BEGAN.isoformat())
    assert found["rule"] == "quick"
    assert found["body"]["customers"] == 2
    said = touchline("alerts", "backtest", str(file), "--from", BEGAN.isoformat()).stdout
    assert "precision" in said
    with house.running():
        [done] = answer("policies", "publish", str(file))

    assert (done["name"], done["version"]) == ("quick", 1)
    other = {**QUICK, "snooze_days": 3}
    file.write_text(dumps({"kind": "alert", "name": "quick", **other}))
    with house.running():
        assert touchline("policies", "publish", str(file)).exit_code != 0
        assert touchline("policies", "publish", str(file), "--force").exit_code == 0
