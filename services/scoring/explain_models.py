"""Explained scores of trained models: in steps from what anybody is to what this customer is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from services.scoring.catalogue import Name
from services.scoring.model.explanation import Contribution, Explained, explained
from services.scoring.model.features import features, row
from services.scoring.model.history import Entry
from services.scoring.model.purchases import Floats, Purchases
from services.scoring.scored import Lived
from services.scoring.spending import Spending, spending
from services.scoring.trained import Buying, Expected, Fifths, Leaving, Trained


def by_models(one: Lived, trained: Trained) -> Mapping[Name, Explained]:
    """What the scores of trained models are the sums of; of whom they are not asked, nothing."""
    found: dict[Name, Explained] = {}
    if trained.rfm and (spent := spending(one.history, trained.rfm.currency)):
        found["rfm"] = _cell(one, spent, trained.rfm)
    if trained.buying and (spent := spending(one.history, trained.buying.currency)):
        found |= _bought(one, spent, trained.buying)
    if trained.churn:
        found["churn_risk"] = _leaving(one, trained.churn)
    return found


def _cell(one: Lived, spent: Spending, fifths: Fifths) -> Explained:
    """A hundred for each fifth of recency, ten of frequency, one of monetary: 543 is 5, 4 and 3."""
    scores = fifths.scores([spent], [one.day])
    events = _orders(one.history, fifths.currency)
    told = (
        ("recency", 100, scores.recency, float(one.day - spent.days[-1])),
        ("frequency", 10, scores.frequency, float(len(spent.days))),
        ("monetary", 1, scores.monetary, float(spent.monetary_minor)),
    )
    return explained(
        0.0,
        (
            Contribution(
                name, float(worth * fifth[0]), {"fifth": float(fifth[0]), "value": value}, events
            )
            for name, worth, fifth, value in told
        ),
    )


class _Steps(NamedTuple):
    """Somebody new, then with each further thing that is known of this customer."""

    new: Expected
    bought: Expected
    """Who bought as often in as long a time, and today as well."""
    silent: Expected
    spends: Expected


def _bought(one: Lived, spent: Spending, buying: Buying) -> Mapping[Name, Explained]:
    x, t_x, age = spent.repeats, spent.recency_weeks, spent.age_weeks(one.day)

    def at(repeats: int, recency: float, age_weeks: float, mean_minor: float) -> Expected:
        return buying.expected(Purchases.of(repeats, recency, age_weeks), np.array([mean_minor]))

    known = x > 0
    steps = _Steps(
        at(0, 0, 0, 0),
        at(x, age if known else 0, age, 0),
        at(x, t_x, age, 0),
        at(x, t_x, age, spent.mean_minor),
    )
    events = _orders(one.history, buying.currency)
    evidence = {"repeat_days": float(x), "weeks_to_last": t_x, "weeks_known": age}
    silence = {"weeks_silent": age - t_x}
    money = {"mean_minor": spent.mean_minor}
    return {
        "p_alive": _climbed(
            float(steps.bought.alive[0]),
            [
                Contribution(
                    "silence", _step(steps.bought.alive, steps.silent.alive), silence, events
                )
            ],
        ),
        "expected_purchases": _climbed(
            float(steps.new.purchases[0]),
            [
                Contribution(
                    "purchases",
                    _step(steps.new.purchases, steps.bought.purchases),
                    evidence,
                    events,
                ),
                Contribution(
                    "silence", _step(steps.bought.purchases, steps.silent.purchases), silence
                ),
            ],
        ),
        "lifetime_value": _climbed(
            float(steps.new.value_minor[0]),
            [
                Contribution(
                    "purchases",
                    _step(steps.new.value_minor, steps.bought.value_minor),
                    evidence,
                    events,
                ),
                Contribution(
                    "silence", _step(steps.bought.value_minor, steps.silent.value_minor), silence
                ),
                Contribution(
                    "spend", _step(steps.silent.value_minor, steps.spends.value_minor), money
                ),
            ],
        ),
    }


def _leaving(one: Lived, churn: Leaving) -> Explained:
    """Log odds add up, chances don't: each part has its share of the way from the base's chance."""
    found = churn.model.explain(np.array(row(features(one.history, one.at_s))))
    base, risk = float(expit(found.base)), float(expit(found.score))
    way = found.score - found.base
    share = (risk - base) / way if abs(way) > 1e-12 else 0.0
    return explained(
        base,
        (
            Contribution(part.name, part.value * share, {**part.evidence, "log_odds": part.value})
            for part in found.contributions
        ),
    )


def _climbed(base: float, parts: Sequence[Contribution]) -> Explained:
    return explained(base, [part for part in parts if part.value])


def _step(before: Floats, after: Floats) -> float:
    return float(after[0] - before[0])


def _orders(history: Sequence[Entry], currency: str) -> tuple[str, ...]:
    """Ids of what was bought and given back."""
    kinds = ("purchase.completed", "purchase.refunded", "purchase.cancelled")
    return tuple(
        entry.id for entry in history if entry.type in kinds and entry.unit in (currency, "")
    )
