"""Training: models fitted on all histories of a workspace, each with a card of what it is worth.

What can't be fitted is said to be so, and the model that scores goes on.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from services.scoring.learning import learnt
from services.scoring.model import bg_nbd, clv, gamma_gamma, rfm
from services.scoring.model.fitting import Unfitted
from services.scoring.model.history import DAY_S, Entry
from services.scoring.spending import Spending, spending
from services.scoring.trained import BUYING, CHURN, RFM, Asked, Buying, Fifths, purchases_of

Histories = Callable[[], Iterable[Sequence[Entry]]]
"""All customers' histories, each in time order; asked for more than once."""
PLACEHOLDER: Final = {"expected_purchases": (0.0, 0.0), "lifetime_value": (0.0, 0.0)}
MEDIUM, HIGH = 0.4, 0.8
"""A fifth of all customers is high, the two fifths below it medium."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be promoted."""

    model: str
    version: str
    """A name for exactly these parameters."""
    trained_until: datetime
    parameters: Mapping[str, Any]
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """A model that was not fitted."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Population:
    """Everybody who bought, at the end of the last day that anything is known of."""

    day: int
    last_s: int
    currency: str
    spendings: Sequence[Spending]
    customers: int

    @property
    def about(self) -> dict[str, Any]:
        """What every card says of it."""
        return {
            "customers": self.customers,
            "buyers": len(self.spendings),
            "currency": self.currency,
            "until": _day(self.day),
        }


def train(
    histories: Histories, told: Callable[[str], None] = lambda _: None
) -> list[Candidate | Failed]:
    """Every model, in the order of ``MODELS``; ``told`` hears of each before it is begun."""
    told("population")
    found = _population(histories)
    if found is None:
        return [Failed(model, "nobody bought yet") for model in (RFM, BUYING, CHURN)]
    done: list[Candidate | Failed] = []
    for model, fit in ((RFM, _fifths), (BUYING, _buying)):
        told(model)
        done.append(fit(found))
    told(CHURN)
    done.append(_churn(histories, found))
    return done


def _population(histories: Histories) -> _Population | None:
    last_s, currencies, customers = 0, Counter[str](), 0
    for history in histories():
        customers += 1
        last_s = max(last_s, history[-1].at_s)
        currencies.update(one.unit for one in history if one.type == "purchase.completed")
    if not currencies:
        return None
    # Of equally many the first by name: the same whoever counts.
    currency = min(currencies, key=lambda one: (-currencies[one], one))
    # In an order of their own: the last digits of sums depend on it, and so would versions.
    spent = sorted(one for history in histories() if (one := spending(history, currency)))
    return _Population(last_s // DAY_S, last_s, currency, spent, customers) if spent else None


def _fifths(found: _Population) -> Candidate:
    bought = rfm.Bought(
        np.array([found.day - one.days[-1] for one in found.spendings], np.int64),
        np.array([len(one.days) for one in found.spendings], np.int64),
        np.array([one.monetary_minor for one in found.spendings], np.int64),
    )
    fifths = Fifths(found.currency, rfm.cuts(bought))
    segments = Counter(rfm.score(bought, fifths.cuts).segments())
    return _candidate(RFM, found, fifths.stored(), {
        "for": "telling who bought lately, often and much, among one's own customers",
        "weak where": "seasons: who bought last year's presents is lost in November",
        "segments": dict(sorted(segments.items())),
    })  # fmt: skip


def _buying(found: _Population) -> Candidate | Failed:
    purchases = purchases_of(found.spendings, [found.day] * len(found.spendings))
    means = np.array([one.mean_minor for one in found.spendings])
    rate = bg_nbd.fit(purchases)
    if isinstance(rate, Unfitted):
        return Failed(BUYING, f"BG/NBD: {rate.reason}")
    spend = gamma_gamma.fit(purchases.frequency, means)
    if isinstance(spend, Unfitted):
        return Failed(BUYING, f"Gamma-Gamma: {spend.reason}")
    plain = Buying(found.currency, rate.parameters, spend.parameters, clv.Terms(), PLACEHOLDER)
    expected = plain.expected(purchases, means)
    bands = {
        "expected_purchases": _ends(expected.purchases),
        "lifetime_value": _ends(expected.value_minor),
    }
    model = Buying(found.currency, rate.parameters, spend.parameters, plain.terms, bands)
    is_used = (purchases.frequency > 0) & (means > 0)
    return _candidate(BUYING, found, model.stored(), {
        "for": "expecting purchases and what they bring; not for prices or refusals",
        "weak where": "contracts and seasons; who bought once is certainly alive to BG/NBD; a "
        "correlation of how often and how much, which Gamma-Gamma takes for nothing",
        "log_likelihood": {"bg_nbd": rate.log_likelihood, "gamma_gamma": spend.log_likelihood},
        "correlation of frequency and spend": _correlation(
            purchases.frequency[is_used], means[is_used]
        ),
    })  # fmt: skip


def _churn(histories: Histories, found: _Population) -> Candidate | Failed:
    asked = Asked()
    done = learnt(histories(), asked, found.day)
    if isinstance(done, Unfitted):
        return Failed(CHURN, done.reason)
    return _candidate(CHURN, found, done.model.stored(), done.card)


def _candidate(
    model: str, found: _Population, parameters: Mapping[str, Any], card: Mapping[str, Any]
) -> Candidate:
    text = json.dumps(parameters, sort_keys=True)
    version = blake2b(text.encode(), digest_size=8).hexdigest()
    until = datetime.fromtimestamp(found.last_s, UTC)
    named = {"model": model, "version": version, "trained on": found.about}
    return Candidate(model, version, until, parameters, {**card, **named})


def _ends(values: Any) -> tuple[float, float]:
    medium, high = np.quantile(values, [MEDIUM, HIGH]).tolist()
    return medium, high


def _correlation(a: Any, b: Any) -> float | None:
    """Pearson's; None where one of the two is the same of everybody."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _day(day: int) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date())
