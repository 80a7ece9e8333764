"""Training: what is fitted on all histories, and what says that it can't be."""

from collections.abc import Iterable, Sequence

import pytest

from services.scoring.comparing import compare
from services.scoring.model.history import DAY_S, Entry
from services.scoring.scored import Lived, score
from services.scoring.shelf import restore
from services.scoring.trained import MODELS, Trained
from services.scoring.training import Candidate, Failed, train
from services.store.scores import ModelRow
from tests.shoppers import shopping

FIRST = 19_000


def shoppers(count: int, *, weeks: int) -> list[list[Entry]]:
    """Histories of baskets."""
    return [
        [
            Entry(
                (FIRST + one.day) * DAY_S, "purchase.completed", "shop", one.order, one.order,
                float(one.amount_minor), "EUR",
            )
            for one in baskets
        ]
        for baskets in shopping(count, weeks=weeks)
    ]  # fmt: skip


def fitted(histories: Sequence[Sequence[Entry]]) -> dict[str, Candidate | Failed]:
    return {one.model: one for one in train(lambda: histories)}


def trained(done: Iterable[Candidate | Failed]) -> Trained:
    rows = [
        ModelRow("shop", one.model, one.version, one.trained_until, one.parameters, one.card)
        for one in done
        if isinstance(one, Candidate)
    ]
    found = restore(rows)
    assert found
    return found


@pytest.fixture(scope="module")
def population() -> list[list[Entry]]:
    """As many as a churn model takes."""
    return shoppers(400, weeks=70)


@pytest.fixture(scope="module")
def done(population: list[list[Entry]]) -> dict[str, Candidate | Failed]:
    """All three models."""
    return fitted(population)


def test_each_model_is_fitted_with_a_version_and_a_card(
    done: dict[str, Candidate | Failed],
) -> None:
    assert list(done) == list(MODELS)
    for name, one in done.items():
        assert isinstance(one, Candidate), one
        assert (one.card["model"], one.card["version"]) == (name, one.version)
        assert one.card["weak where"]
    churn = done["churn"]
    assert isinstance(churn, Candidate)
    assert set(churn.card["metrics"]) == {"boosted", "logistic"}
    assert max(churn.card["learnt at"]) < min(churn.card["put right at"])
    assert max(churn.card["put right at"]) < min(churn.card["tested at"])


def test_the_same_histories_give_the_same_versions(
    population: list[list[Entry]], done: dict[str, Candidate | Failed]
) -> None:
    again = fitted(list(reversed(population)))

    for name in ("rfm", "buying"):
        one, other = done[name], again[name]
        assert isinstance(one, Candidate)
        assert isinstance(other, Candidate)
        assert one.version == other.version


def test_trained_models_score_everybody_who_bought(
    population: list[list[Entry]], done: dict[str, Candidate | Failed]
) -> None:
    models = trained(done.values())
    at = max(history[-1].at_s for history in population) // DAY_S * DAY_S + DAY_S - 1

    scores = score([Lived(history, at) for history in population], models)

    assert all({"rfm", "p_alive", "lifetime_value"} <= one.scores.keys() for one in scores)
    assert {one.tier for one in scores} == {"high value", "potential", "ordinary"}
    assert any("churn_risk" in one.scores for one in scores)
    bands = [one.scores["lifetime_value"][1] for one in scores]
    assert bands.count("high") == pytest.approx(len(scores) / 5, abs=2)


def test_a_report_says_who_would_change(
    population: list[list[Entry]], done: dict[str, Candidate | Failed]
) -> None:
    models = trained(done.values())

    new = compare(population, None, (None, models))
    same = compare(population, None, (models, models))

    assert (new.customers, new.moved) == (400, 400)
    assert new.tiers[None, "high value"] > 0
    assert (same.moved, same.moves) == (0, {})


@pytest.mark.parametrize(
    ("histories", "rfm_is_fitted"),
    [
        pytest.param([], False, id="nobody"),
        pytest.param([[Entry(0, "web.visited", "s", "1")]], False, id="nobody bought"),
        pytest.param(shoppers(1, weeks=4), True, id="one customer"),
        pytest.param([history[:1] for history in shoppers(9, weeks=9)], True, id="all once"),
    ],
)
def test_what_can_not_be_fitted_says_so(
    histories: list[list[Entry]], *, rfm_is_fitted: bool
) -> None:
    done = fitted(histories)

    assert isinstance(done["rfm"], Candidate) == rfm_is_fitted
    for name in ("buying", "churn"):
        failed = done[name]
        assert isinstance(failed, Failed)
        assert failed.reason
