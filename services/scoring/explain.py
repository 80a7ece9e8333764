"""Explain: what each of a customer's scores is the sum of, and the events behind it.

A score and its explanation are worked out from the same history, on the same day, by the same
models. The parts are on the score's own scale.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.scoring.catalogue import SCALES, Name, model_of
from services.scoring.explain_rules import by_rules
from services.scoring.kept import history_of, leaves_of
from services.scoring.model.explanation import Explained
from services.scoring.scored import Lived, lived, score
from services.scoring.shelf import restore
from services.store.scores import ModelRow, Page

if TYPE_CHECKING:
    from services.scoring.trained import Trained

MOST_EVENTS: Final = 100
"""Ids that a contribution names, the latest ones; it says how many there are."""


@dataclass(frozen=True, slots=True)
class Why:
    """A score, and what it is the sum of."""

    name: Name
    value: float
    band: str
    unit: str
    currency: str | None
    model: str
    version: str
    explained: Explained
    """Its ``score`` is ``value`` but for the last digits of floating point."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a customer's scores."""

    day: date | None
    """The day, UTC, that they are of; None where nothing happened and no minute was told."""
    last_at_s: int | None
    tier: str | None
    scores: tuple[Why, ...]


def explain(pages: Iterable[Page], tick: datetime | None, models: Sequence[ModelRow] = ()) -> Whole:
    """The scores of a customer of whom these ``pages`` are kept, by these models.

    Of whom nothing is known they are those of a stranger.
    """
    history = history_of(leaves_of(pages).values())
    one, trained = lived(history, tick), restore(models)
    (done,) = score([one], trained)
    parts = {**by_rules(one, done.leaves), **_by_models(one, trained)}
    whys = []
    for name in SCALES:
        if name in done.scores:
            value, band = done.scores[name]
            currency = done.currency if name == "lifetime_value" else None
            origin = model_of(name, done.models)
            whys.append(
                Why(name, value, band, SCALES[name].unit, currency, *origin, _named(parts[name]))
            )
    day = date(1970, 1, 1) + timedelta(days=one.day) if history or tick else None
    return Whole(day, history[-1].at_s if history else None, done.tier, tuple(whys))


def _by_models(one: Lived, trained: "Trained | None") -> Mapping[Name, Explained]:
    if trained is None:
        return {}
    # As heavy as the models themselves.
    from services.scoring.explain_models import by_models  # noqa: PLC0415

    return by_models(one, trained)


def _named(found: Explained) -> Explained:
    """The same with as many ids as can be read."""
    parts = tuple(
        replace(
            part,
            events=part.events[-MOST_EVENTS:],
            evidence={**part.evidence, "events": float(len(part.events))}
            if part.events
            else part.evidence,
        )
        for part in found.contributions
    )
    return Explained(found.score, found.base, parts)
