"""Models from training to scores: by the command line, over the log, and through HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import fsum, isclose
from typing import Any

import pytest
from typer.testing import CliRunner

from services.clock import SystemClock
from services.commands.promotion import Promotable, Promotion
from services.main import app
from services.scoring.kept import history_of, leaves_of
from services.scoring.training import Candidate, train
from services.store.decisions import PostgresDecisions
from services.store.postgres_models import PostgresModels
from services.store.scores import ModelRow
from services.store.urls import Urls
from tests.integration.house import MASTER_KEY, House, Json, bought, serving
from tests.integration.telling_scores import decisions
from tests.shoppers import shopping

BUYERS = 60
WEEKS = 26


@pytest.fixture
def house(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A served database, which commands find too."""
    monkeypatch.setenv("TOUCHLINE_STORE_URL", urls.owner)
    monkeypatch.setenv("TOUCHLINE_STORE_FOLD_URL", urls.fold)
    monkeypatch.setenv("TOUCHLINE_STORE_QUERY_URL", urls.query)
    monkeypatch.setenv("TOUCHLINE_ARCHIVE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TOUCHLINE_MASTER_KEY", MASTER_KEY.hex())
    with serving(urls, monkeypatch) as house:
        house.tell(*shoppers())
        house.tick(datetime.now(UTC).replace(second=0, microsecond=0))
        house.score()
        yield house


def test_a_promoted_model_scores_everybody_and_says_by_what(house: House) -> None:
    before = scores(house, "user:u7")
    assert not {"rfm", "lifetime_value"} & before.keys()

    called("train")
    assert scores(house, "user:u7") == before, "trained models change nothing by themselves"
    with house.running():
        promoted = called("promote")
    house.score()

    after = scores(house, "user:u7")
    assert {one["model"] for one in promoted} == {"rfm", "buying"}
    versions = {one["model"]: one["version"] for one in promoted}
    assert {after[name]["version"] for name in ("p_alive", "lifetime_value")} == {
        versions["buying"]
    }
    assert after["lifetime_value"]["currency"] == "EUR"
    for one in after.values():
        parts = [one["base"], *(part["value"] for part in one["contributions"])]
        assert isclose(fsum(parts), one["value"], rel_tol=1e-9, abs_tol=1e-6), one
    told = [one.data for one in decisions(house) if one.data.model in versions]
    assert told
    assert all(one.is_restated for one in told), "another model is no news of the customer"
    tiers = {tier for (tier,) in house.rows("SELECT DISTINCT tier FROM score")}
    assert tiers == {"high value", "ordinary", "potential"}


def test_scores_in_rows_are_those_that_are_explained(house: House) -> None:
    called("train")
    with house.running():
        called("promote")
    house.score()

    for number in range(0, BUYERS, 9):
        customer = house.id_of(f"user:u{number}")
        rows = house.rows(f"SELECT scores, tier FROM score WHERE customer_id = '{customer}'")
        shown = house.found(f"/v1/customers/{customer}/scores")
        values = {one["name"]: [one["value"], one["band"]] for one in shown["scores"]}
        assert (values, shown["tier"]) == rows[0]


def test_training_that_fails_says_so_and_leaves_the_old_model(house: House) -> None:
    result = CliRunner().invoke(app, ["scoring", "train", "--workspace", "shop"])

    assert result.exit_code == 0
    assert "Model churn was not fitted: " in result.stdout
    assert "What scores goes on." in result.stdout
    none = CliRunner().invoke(app, ["scoring", "train", "--workspace", "bank"])
    assert none.exit_code == 1
    assert "nobody bought yet" in none.stdout


def test_a_report_shows_cards_and_who_would_change(house: House) -> None:
    called("train")

    found = called("report")
    one = called("report", "--model", "rfm")

    assert [card["model"] for card in found["cards"]] == ["rfm", "buying"]
    assert (found["customers"], found["changed"]) == (BUYERS, BUYERS)
    assert {move["score"] for move in one["moves"]} == {"rfm"}
    with house.running():
        called("promote")
    house.score()
    assert called("report")["changed"] == 0
    assert called("promote") == []


def test_status_says_how_far_scoring_is(house: House) -> None:
    house.told(bought("o-new", 100, "user:new"))

    behind = called("status")
    house.score()
    found = called("status")

    assert behind["scored"] < behind["applied"] < found["scored"] == found["applied"]
    assert (found["customers"], found["models"]) == (BUYERS + 1, {})


def test_what_was_not_trained_can_not_be_promoted(house: House) -> None:
    for asked in ([], ["--model", "rfm"], ["--model", "stars"], ["--version", "1"]):
        result = CliRunner().invoke(app, ["scoring", "promote", "--workspace", "shop", *asked])
        assert result.exit_code != 0


def test_the_promotion_that_ranks_last_holds_whatever_comes_first(house: House, urls: Urls) -> None:
    models = PostgresModels(urls.fold)
    (row,) = [one for one in candidates(models) if one.model == "rfm"]
    other = row._replace(version="other", card={})
    for one in (row, other):
        models.keep(one)

    with closing(PostgresDecisions(urls.query)) as decisions, house.running():
        promotion = Promotion(decisions, house.log, SystemClock())
        for one in (row, other):
            done = promotion.promote("shop", promotable(one), previous=None, by="test")
            assert done.is_applied
    house.score()

    versions = house.rows("SELECT DISTINCT models ->> 'rfm' FROM score")
    assert versions == [("other",)]
    assert models.promoted("shop") == {"rfm": "other"}


def candidates(models: PostgresModels) -> list[ModelRow]:
    """What training finds."""
    everyone = [history_of(leaves_of(pages).values()) for _, pages in models.histories("shop")]
    return [
        ModelRow("shop", one.model, one.version, one.trained_until, one.parameters, one.card)
        for one in train(lambda: everyone)
        if isinstance(one, Candidate)
    ]


def promotable(row: ModelRow) -> Promotable:
    return Promotable(row.model, row.version, row.trained_until, row.parameters, {})


def called(*words: str) -> Any:
    """What ``touchline scoring`` says, which must be well."""
    result = CliRunner().invoke(app, ["scoring", *words, "--workspace", "shop", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def scores(house: House, identifier: str) -> dict[str, Json]:
    """The customer's scores by name, explained."""
    found = house.found(f"/v1/customers/{house.id_of(identifier)}/scores?explain=true")
    return {one["name"]: one for one in found["scores"]}


def shoppers() -> list[Json]:
    """Purchases of half a year that ended lately."""
    began = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    began -= timedelta(weeks=WEEKS)
    return [
        {
            **bought(one.order, one.amount_minor, f"user:u{one.who}"),
            "occurred_at": (began + timedelta(days=one.day)).isoformat(),
        }
        for baskets in shopping(BUYERS, weeks=WEEKS)
        for one in baskets
    ]
