"""Scored: customers' scores on a day, from their histories and the models that were promoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import fsum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from services.scoring.catalogue import SCALES, Name
from services.scoring.findings import Findings, findings
from services.scoring.model import engagement, health
from services.scoring.model.features import features
from services.scoring.model.history import DAY_S, Entry
from services.scoring.spending import Spending, spending

if TYPE_CHECKING:
    from services.scoring.trained import Buying, Fifths, Leaving, Trained

Valued: TypeAlias = tuple[float, str]
"""Value and band."""
FORGETTING_DAYS: Final = 181
"""After so many without an event nothing of whom no model scores changes by time."""


class Lived(NamedTuple):
    """A customer's history, in time order, and the second that it is looked at."""

    history: Sequence[Entry]
    at_s: int

    @property
    def day(self) -> int:
        """Days since 1970."""
        return self.at_s // DAY_S


@dataclass(slots=True)
class Scored:
    """All scores of one customer."""

    scores: dict[Name, Valued] = field(default_factory=dict)
    tier: str | None = None
    """By value; None without a purchase, or where no fifths were promoted."""
    due_at: datetime | None = None
    """The next day on which time alone may change them; None for never."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Versions of the models that are asked."""
    leaves: float | None = None
    """The chance to leave that health is made with."""
    currency: str | None = None
    """Of what is money."""


def lived(history: Sequence[Entry], tick: datetime | None) -> Lived:
    """``history`` at the end of the day of the last tick, or of its last event if that is later.

    Everything of a day counts from its first event on: scores change by events and at midnight
    (UTC), and not by when within a day they are computed.
    """
    return lived_until(history, int(tick.timestamp()) if tick else 0)


def lived_until(history: Sequence[Entry], tick_s: int) -> Lived:
    """The same, where the last tick was told at ``tick_s``."""
    last_s = history[-1][0] if history else 0
    return Lived(history, max(last_s, tick_s) // DAY_S * DAY_S + DAY_S - 1)


def score(everyone: Sequence[Lived], trained: "Trained | None" = None) -> list[Scored]:
    """The scores of each, by one workspace's models."""
    done = [Scored(models=trained.versions if trained else {}) for _ in everyone]
    if trained is not None:
        _by_models(everyone, trained, done)
    for one, found in zip(everyone, done, strict=True):
        _by_rules(one, found)
        found.due_at = _due_at(one, is_modelled=bool(found.models))
    return done


def signs(found: Findings, engaged: float, leaves: float | None) -> health.Signs:
    """What health is made of."""
    return health.Signs(
        leaves,
        engaged if found.has_acted else None,
        found.satisfaction,
        found.complaints_open,
        found.payments_failed,
    )


def _by_rules(one: Lived, done: Scored) -> None:
    day = one.at_s // DAY_S
    found = findings(one.history, one.at_s)
    engaged = fsum(engagement.shares(engagement.weight(found.acts, day)).values())
    healthy = health.health_parts(signs(found, engaged, done.leaves)).values()
    hot = health.heat_parts(engaged, found.latest, day).values()
    scores = done.scores
    values: dict[Name, float] = {
        "engagement": engaged,
        "temperature": fsum(hot),
        "health": fsum([health.STRANGER, *healthy]),
    }
    if found.satisfaction is not None:
        values["satisfaction"] = 100 * found.satisfaction
    for name, value in values.items():
        scores[name] = value, SCALES[name].band(value)


def _by_models(everyone: Sequence[Lived], trained: "Trained", done: Sequence[Scored]) -> None:
    spent: dict[str, _Spent] = {}
    for model in (trained.rfm, trained.buying):
        if model and model.currency not in spent:
            spent[model.currency] = _spent(everyone, model.currency)
    if trained.rfm:
        _by_fifths(spent[trained.rfm.currency], trained.rfm, done)
    if trained.buying:
        _by_buying(spent[trained.buying.currency], trained.buying, done)
    if trained.churn:
        _by_features(everyone, trained.churn, done)


class _Spent(NamedTuple):
    """Who of everybody bought, and what."""

    places: Sequence[int]
    spendings: Sequence[Spending]
    days: Sequence[int]


def _spent(everyone: Sequence[Lived], currency: str) -> _Spent:
    found = [
        (place, spent, one.day)
        for place, one in enumerate(everyone)
        if (spent := spending(one.history, currency))
    ]
    return _Spent(*zip(*found, strict=True)) if found else _Spent((), (), ())


def _by_fifths(spent: _Spent, fifths: "Fifths", done: Sequence[Scored]) -> None:
    if not spent.places:
        return
    found = fifths.scores(spent.spendings, spent.days)
    cells = (100 * found.recency + 10 * found.frequency + found.monetary).tolist()
    rows = zip(spent.places, cells, found.segments(), found.tiers(), strict=True)
    for place, cell, segment, tier in rows:
        done[place].scores["rfm"] = float(cell), segment
        done[place].tier = tier


def _by_buying(spent: _Spent, buying: "Buying", done: Sequence[Scored]) -> None:
    if not spent.places:
        return
    expected = buying.of(spent.spendings, spent.days)
    columns = (expected.alive, expected.purchases, expected.value_minor)
    rows = zip(
        spent.places, spent.spendings, *(map(rounded, one.tolist()) for one in columns), strict=True
    )
    for place, own, alive, purchases, value in rows:
        scores = done[place].scores
        scores["p_alive"] = alive, SCALES["p_alive"].band(alive)
        scores["expected_purchases"] = purchases, buying.band("expected_purchases", purchases)
        scores["lifetime_value"] = value, buying.band("lifetime_value", value)
        # Who bought once is certainly alive to the model: that says nothing.
        done[place].leaves = 1 - alive if own.repeats else None
        done[place].currency = buying.currency


def _by_features(everyone: Sequence[Lived], churn: "Leaving", done: Sequence[Scored]) -> None:
    asked = [
        (place, found)
        for place, one in enumerate(everyone)
        if churn.asked.includes(found := features(one.history, one.at_s))
    ]
    risks = churn.risks([found for _, found in asked])
    for (place, _), risk in zip(asked, map(rounded, risks), strict=True):
        done[place].scores["churn_risk"] = risk, SCALES["churn_risk"].band(risk)
        done[place].leaves = risk


def rounded(value: float) -> float:
    """Nine decimals: arithmetic on arrays may differ in the last digit with their length."""
    return round(value, 9)


def _due_at(one: Lived, *, is_modelled: bool) -> datetime | None:
    day = one.at_s // DAY_S
    is_still = not one.history or day - one.history[-1][0] // DAY_S > FORGETTING_DAYS
    if is_still and not is_modelled:
        return None
    return _midnight(day + 1)


@lru_cache(maxsize=1_000)
def _midnight(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
