"""What commands see of time: a customer as of now, and rows that are compared between two ticks."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from services.errors import Conflict
from services.main import app
from services.main.replays import between_ticks
from services.store.urls import Urls
from tests.integration.house import MASTER_KEY, START, House, bought, serving


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with serving(urls, monkeypatch) as house:
        yield house


def tick(urls: Urls, days: int) -> None:
    """Let the clock be told, and nothing be settled."""
    with psycopg.connect(urls.owner) as connection:
        at = START + timedelta(days=days)
        connection.execute("UPDATE live.control SET tick = %s", [at])


def test_rows_are_compared_once_the_last_tick_is_finished(house: House, urls: Urls) -> None:
    house.told(bought("o1", 100, "user:1"))
    house.tick(START + timedelta(days=1))
    with between_ticks(urls.fold) as settled:
        assert settled.is_settled()
    tick(urls, 400)

    finished = threading.Timer(0.3, tick, (urls, 1))
    finished.start()

    with between_ticks(urls.fold) as settled:
        assert settled.is_settled()
    finished.join()


def test_who_finishes_the_tick_is_named_where_nobody_does(house: House, urls: Urls) -> None:
    house.told(bought("o1", 100, "user:1"))
    tick(urls, 400)

    with (
        pytest.raises(Conflict, match="start the platform"),
        between_ticks(urls.fold, patience_s=0.2),
    ):
        pass


def test_a_customer_is_shown_with_stage_tier_and_points(
    house: House, urls: Urls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    house.told(bought("o1", 600_00, "user:1"))
    settings = {
        "STORE_URL": urls.owner,
        "STORE_FOLD_URL": urls.fold,
        "STORE_QUERY_URL": urls.query,
        "MASTER_KEY": MASTER_KEY.hex(),
        "DATA_DIR": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"TOUCHLINE_{name}", value)

    shown = CliRunner().invoke(app, ["customers", "show", "user:1", "--workspace", "shop"])
    for_scripts = CliRunner().invoke(
        app, ["customers", "show", "user:1", "--workspace", "shop", "--json"]
    )

    assert shown.exit_code == 0, shown.output
    assert "stage new (crm: convert, journey: buy)" in shown.stdout
    assert "tier silver; 650 points, 650 to spend" in shown.stdout
    told = json.loads(for_scripts.stdout)
    assert (told["stage"], told["tier"], told["loyalty"]["balance"]) == ("new", "silver", 650)
