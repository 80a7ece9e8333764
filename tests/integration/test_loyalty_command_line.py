"""Points and events from the command line, as over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from services.main import app
from services.store.urls import Urls
from tests.integration.house import House, Json, bought, found_by_commands, serving


@pytest.fixture
def house(urls: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A platform whose folds work, with a customer of 1050 points."""
    found_by_commands(urls, tmp_path, monkeypatch)
    with serving(urls, monkeypatch) as house:
        house.told(bought("o1", 100_000, "user:1", "email:a@x.org", source="shop", id="o-1"))
        with house.running():
            yield house


def touchline(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--workspace", "shop"])


def answer(*arguments: str) -> Json:
    result = touchline(*arguments, "--json")
    assert result.exit_code == 0, result.output
    parsed: Json = json.loads(result.stdout)
    return parsed


def test_points_are_spent_corrected_and_given_back(house: House) -> None:
    spent = answer("loyalty", "redeem", "user:1", "400", "--reason", "voucher", "--key", "k")
    again = answer("loyalty", "redeem", "user:1", "400", "--reason", "voucher", "--key", "k")
    adjusted = answer("loyalty", "adjust", "email:a@x.org", "-50", "--reason", "mistake")
    cancelled = answer("loyalty", "cancel", "user:1", spent["redemption_id"])
    granted = answer("loyalty", "grant", "user:1", "voucher_10")

    assert spent == again
    assert (spent["available"], adjusted["available"]) == (650, 600)
    assert cancelled == {"redemption_id": spent["redemption_id"], "is_applied": True}
    assert (granted["points"], granted["available"]) == (900, 100)


def test_an_event_is_taken_back(house: House) -> None:
    voided = answer("events", "void", "shop", "o-1", "--reason", "test order")

    assert voided["voided_type"] == "purchase.completed"
    assert touchline("loyalty", "redeem", "user:1", "1").exit_code == 1
    assert house.rows("SELECT balance FROM loyalty") == []


REFUSALS: Final = [
    (("loyalty", "redeem", "user:1", "1051"), 1, "1050 are available"),
    (("loyalty", "redeem", "user:1", "0"), 2, "zero"),
    (("loyalty", "redeem", "user:2", "1"), 1, "no customer"),
    (("loyalty", "redeem", "ada", "1"), 2, "kind:value"),
    (("loyalty", "redeem", "user:1", "1", "--key", "a b"), 2, "Idempotency-Key"),
    (("loyalty", "adjust", "user:1", "5"), 2, "--reason"),
    (("loyalty", "grant", "user:1", "yacht"), 1, "voucher_5"),
    (("loyalty", "cancel", "user:1", "nothing"), 1, "no redemption"),
    (("events", "void", "shop", "o-2"), 1, "never recorded"),
]
"""What is asked for, the exit code, and a part of what is said."""


def test_what_can_not_be_done_is_said_in_a_line(house: House) -> None:
    for arguments, code, said in REFUSALS:
        result = touchline(*arguments)

        assert (result.exit_code, said in result.stderr) == (code, True), (arguments, result.output)


def test_people_are_told_in_a_sentence(house: House) -> None:
    spent = touchline("loyalty", "redeem", "user:1", "50")
    adjusted = touchline("loyalty", "adjust", "user:1", "7", "--reason", "goodwill")

    assert "Spent 50 points; 1000 are available now." in spent.stdout
    assert "Adjusted by +7 points" in adjusted.stdout
