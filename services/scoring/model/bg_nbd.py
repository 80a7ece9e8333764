"""BG/NBD: how often customers buy, and whether they still do.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
Model, Marketing Science 24(2). Equations below are that paper's unless another is named.
"""

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln, hyp2f1, psi

from services.scoring.model.fitting import Fitted, Maximum, Unfitted, maximise
from services.scoring.model.purchases import MANY, Floats, Purchases, dot

SINGULAR: Final = 1e-5
"""Within this of a = 1 (or a + b + x = 1) equation 10 is taken as the mean of both sides."""


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Rates of buying are gamma (r, alpha), chances to leave after a purchase beta (a, b)."""

    r: float
    alpha: float
    a: float
    b: float


def fit(purchases: Purchases) -> Fitted[BgNbd] | Unfitted:
    """Parameters by maximum likelihood (section 4.1; equation 6)."""
    customers = len(purchases)
    if not purchases.frequency.any():
        return Unfitted("nobody bought on a second day", customers)
    rows, counts = purchases.counted()
    typical = float(np.average(rows.age, weights=counts))
    starts = [(1.0, typical, 1.0, 1.0), (0.3, typical / 4, 0.5, 2.0), (2.0, typical, 0.2, 1.0)]
    if len(rows) > MANY:
        near = fit(purchases.thinned(MANY))
        starts = [astuple(near.parameters), *starts] if isinstance(near, Fitted) else starts
    terms = _Terms(rows, counts)
    found = maximise(terms.likelihood, starts, names="r alpha a b", customers=customers)
    if isinstance(found, Maximum):
        return Fitted(
            BgNbd(*found.values),
            BgNbd(*found.errors),
            found.log_likelihood,
            customers,
            found.iterations,
        )
    return found


def log_likelihood(model: BgNbd, purchases: Purchases) -> float:
    """Of all histories together (equation 6, in logarithms)."""
    values = np.array([model.r, model.alpha, model.a, model.b])
    return _Terms(*purchases.counted()).likelihood(values)[0]


def alive(model: BgNbd, purchases: Purchases) -> Floats:
    """P(alive): the chance that a customer has not left.

    Fader, Hardie, Lee (2008), Computing P(alive) Using the BG/NBD Model, equation 1. Who bought
    once is certainly alive to this model, since customers leave after repeat purchases only.
    """
    return np.asarray(expit(-_left(model, purchases)))


def expected(model: BgNbd, purchases: Purchases, weeks: npt.ArrayLike) -> Floats:
    """E[Y(t) | x, t_x, T]: purchases in the ``weeks`` to come (equation 10).

    The hypergeometric function is taken through Euler's transformation, which leaves x in its last
    parameter alone: it neither overflows nor cancels, however many purchases there were.
    """
    return alive(model, purchases) * _while_alive(model, purchases, np.asarray(weeks, dtype=float))


def expected_of_new(model: BgNbd, weeks: npt.ArrayLike) -> Floats:
    """E[X(t)]: repeat purchases in a customer's first ``weeks`` (equation 9)."""
    times = np.atleast_1d(np.asarray(weeks, dtype=float))
    return expected(model, Purchases.of(np.zeros_like(times), 0, 0), times)


def _while_alive(model: BgNbd, purchases: Purchases, weeks: Floats) -> Floats:
    if abs(model.a - 1) < SINGULAR:
        sides = (
            BgNbd(model.r, model.alpha, 1 + side * SINGULAR, model.b) for side in (-1.01, 1.01)
        )
        return np.asarray(sum(_while_alive(one, purchases, weeks) for one in sides) / 2)
    last = model.a + model.b + purchases.frequency - 1
    last = np.where(np.abs(last) < SINGULAR, SINGULAR, last)
    z = weeks / (model.alpha + purchases.age + weeks)
    shape = hyp2f1(model.a + model.b - 1 - model.r, model.a - 1, last, z)
    to_come = last / (model.a - 1) * (1 - (1 - z) ** (model.a - 1) * shape)
    return np.asarray(np.maximum(to_come, 0.0))


def _left(model: BgNbd, purchases: Purchases) -> Floats:
    """The log odds of having left; minus infinity for who bought once."""
    x = purchases.frequency
    silence = np.log((model.alpha + purchases.age) / (model.alpha + purchases.recency))
    odds = np.log(model.a / np.maximum(model.b + x - 1, 1e-300)) + (model.r + x) * silence
    return np.where(x > 0, odds, -np.inf)


class _Terms:
    """The likelihood of ``rows``, each held by ``counts`` customers; what depends on x is summed.

    x has few values, so that gamma functions are worked out once for each of them. Who bought once
    is certainly alive, so that little has to be worked out for most customers.
    """

    def __init__(self, rows: Purchases, counts: Floats) -> None:
        self._x, inverse = np.unique(rows.frequency, return_inverse=True)
        self._x_counts = np.bincount(inverse, counts, minlength=len(self._x))
        once, again = rows.frequency == 0, rows.frequency > 0
        self._once_age, self._once_counts = rows.age[once], counts[once]
        self._x_at, self._counts = inverse[again], counts[again]
        self._frequency, self._age = rows.frequency[again], rows.age[again]
        self._recency = rows.recency[again]

    def likelihood(self, values: Floats) -> tuple[float, Floats]:
        """Log-likelihood (equation 6) and its gradient, at r, alpha, a and b."""
        r, alpha, a, b = map(float, values)
        x, each, counts, k = self._x, self._x_counts, self._counts, r + self._frequency
        everyone = float(each.sum())
        once, older, silent = alpha + self._once_age, alpha + self._age, alpha + self._recency
        log_once, log_older = np.log(once), np.log(older)
        silence = log_older - np.log(silent)
        left = np.log(a / np.maximum(b + x - 1, 1e-300))[self._x_at] + k * silence
        # The smaller of the odds and their inverse: its exponential can't overflow.
        odds = np.exp(-np.abs(left))
        chance = np.where(left > 0, 1.0, odds) / (1 + odds)
        value = (
            each @ (
                gammaln(r + x) - gammaln(r) + gammaln(b + x) - gammaln(a + b + x)
                - gammaln(b) + gammaln(a + b)
            )
            + everyone * r * np.log(alpha)
            - r * dot(self._once_counts, log_once)
            + dot(counts, np.maximum(left, 0) + np.log1p(odds) - k * log_older)
        )  # fmt: skip
        gone = counts * chance
        together = each @ (psi(a + b) - psi(a + b + x))
        by_count = np.bincount(self._x_at, gone, minlength=len(x))
        beyond = by_count[x > 0] @ (1 / (b + x[x > 0] - 1))
        gradient = np.array([
            each @ (psi(r + x) - psi(r)) + everyone * np.log(alpha)
            - dot(self._once_counts, log_once) + dot(gone, silence) - dot(counts, log_older),
            everyone * r / alpha - r * dot(self._once_counts, 1 / once)
            - dot(gone * k, 1 / silent) - dot((counts - gone) * k, 1 / older),
            together + gone.sum() / a,
            together + each @ (psi(b + x) - psi(b)) - beyond,
        ])  # fmt: skip
        return float(value), gradient
