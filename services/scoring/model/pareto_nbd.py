"""Pareto/NBD: how often customers buy, and whether they still do, leaving at any time.

Schmittlein, Morrison, Colombo (1987), Counting Your Customers: Who Are They and What Will They Do
Next?, Management Science 33(1); equations as in Fader, Hardie (2005), A Note on Deriving the
Pareto/NBD Model and Related Expressions.

Both write the likelihood with hypergeometric functions, which overflow for large counts. They stand
for the integral over the time of leaving, which is done here by Gauss and Legendre instead, in
logarithms, with the gradient from the same nodes.
"""

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln, psi

from services.scoring.model.fitting import Fitted, Maximum, Unfitted, maximise
from services.scoring.model.purchases import MANY, Floats, Purchases, dot

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
NODES: Final = (_POINTS + 1) / 2
LOG_WEIGHTS: Final = np.log(_WEIGHTS / 2)
FAR: Final = 40.0
"""An integrand that fell by e to this power adds nothing in double precision."""
ROWS: Final = 16_384
"""Histories at once: their nodes fit a processor's cache."""


@dataclass(frozen=True, slots=True)
class ParetoNbd:
    """Rates of buying are gamma (r, alpha), rates of leaving gamma (s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float


def fit(purchases: Purchases) -> Fitted[ParetoNbd] | Unfitted:
    """Parameters by maximum likelihood (Fader and Hardie's equation 18)."""
    customers = len(purchases)
    if not purchases.frequency.any():
        return Unfitted("nobody bought on a second day", customers)
    rows, counts = purchases.counted()
    typical = float(np.average(rows.age, weights=counts))
    starts = [(1.0, typical, 1.0, typical), (0.5, typical / 4, 0.5, typical / 4)]
    if len(rows) > MANY:
        near = fit(purchases.thinned(MANY))
        starts = [astuple(near.parameters), *starts] if isinstance(near, Fitted) else starts
    found = maximise(
        lambda values: _likelihood(values, rows, counts),
        starts,
        names="r alpha s beta",
        customers=customers,
    )
    if isinstance(found, Maximum):
        return Fitted(
            ParetoNbd(*found.values),
            ParetoNbd(*found.errors),
            found.log_likelihood,
            customers,
            found.iterations,
        )
    return found


def log_likelihood(model: ParetoNbd, purchases: Purchases) -> float:
    """Of all histories together (Fader and Hardie's equation 18, in logarithms)."""
    values = np.array([model.r, model.alpha, model.s, model.beta])
    return _likelihood(values, *purchases.counted())[0]


def alive(model: ParetoNbd, purchases: Purchases) -> Floats:
    """P(alive) (Schmittlein and others, equations 11 to 13; Fader and Hardie, 36)."""
    parts = [
        left(part, model.alpha, model.beta, r=model.r, s=model.s)[0] for part in parts_of(purchases)
    ]
    return np.asarray(expit(-np.concatenate(parts))) if parts else np.zeros(0)


def expected(model: ParetoNbd, purchases: Purchases, weeks: npt.ArrayLike) -> Floats:
    """E[Y(t) | x, t_x, T]: purchases in the ``weeks`` to come (Fader and Hardie, 41)."""
    times = np.asarray(weeks, dtype=float)
    rate = (model.r + purchases.frequency) / (model.alpha + purchases.age)
    return alive(model, purchases) * rate * stay(model.s, model.beta + purchases.age, times)


def expected_of_new(model: ParetoNbd, weeks: npt.ArrayLike) -> Floats:
    """E[X(t)]: repeat purchases in a customer's first ``weeks`` (Fader and Hardie, 27)."""
    times = np.atleast_1d(np.asarray(weeks, dtype=float))
    return model.r / model.alpha * stay(model.s, np.full_like(times, model.beta), times)


def stay(s: float, beta: Floats, weeks: Floats) -> Floats:
    """How long of ``weeks`` somebody alive stays, by expectation; s = 1 is its own limit."""
    fade = np.log1p(weeks / beta)
    if abs(s - 1) < 1e-9:
        return np.asarray(beta * fade)
    return np.asarray(beta * -np.expm1(-(s - 1) * fade) / (s - 1))


def parts_of(rows: Purchases) -> list[Purchases]:
    return [
        Purchases(*(one[at : at + ROWS] for one in (rows.frequency, rows.recency, rows.age)))
        for at in range(0, len(rows), ROWS)
    ]


def left(
    rows: Purchases, alpha: Floats | float, beta: Floats | float, *, r: float, s: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """The log odds of having left; by row and node the chance of when, and α + y and β + y then.

    ``alpha`` and ``beta`` may differ by row. The integral of (α + y)^-(r + x) (β + y)^-(s + 1) over
    y from t_x to T is taken over w = ln((α + y) / (α + t_x)), until it ends or nothing is left of
    it: there it is an exponential times a gentle curve, whatever x is.
    """
    k, q = r + rows.frequency, s + 1
    bought, older = alpha + rows.recency, alpha + rows.age
    slowest = np.minimum(bought / (beta + rows.recency), older / (beta + rows.age))
    decay = np.maximum(k - 1 + q * slowest, 1e-9)
    reach = np.minimum(np.log(older / bought), FAR / decay)
    w = reach[:, None] * NODES
    buying = bought[:, None] * np.exp(w)
    leaving = buying + np.reshape(beta - np.asarray(alpha), (-1, 1))
    falls = -(k - 1)[:, None] * w - q * np.log(leaving) + LOG_WEIGHTS
    top = falls.max(axis=1)
    parts = np.exp(falls - top[:, None])
    total = parts.sum(axis=1)
    integral = np.log(np.maximum(reach, 1e-300) * total) + top - (k - 1) * np.log(bought)
    stayed = -k * np.log(older) - s * np.log(beta + rows.age)
    return np.log(s) + integral - stayed, parts / total[:, None], buying, leaving


def _likelihood(values: Floats, rows: Purchases, counts: Floats) -> tuple[float, Floats]:
    """Log-likelihood (equation 18) and its gradient, at r, alpha, s and beta."""
    r, alpha, s, beta = map(float, values)
    everyone = float(counts.sum())
    x, inverse = np.unique(rows.frequency, return_inverse=True)
    each = np.bincount(inverse, counts, minlength=len(x))
    value = each @ (gammaln(r + x) - gammaln(r)) + everyone * (r * np.log(alpha) + s * np.log(beta))
    gradient = np.array([
        each @ (psi(r + x) - psi(r)) + everyone * np.log(alpha),
        everyone * r / alpha,
        everyone * np.log(beta),
        everyone * s / beta,
    ])  # fmt: skip
    for number, part in enumerate(parts_of(rows)):
        held = counts[number * ROWS : (number + 1) * ROWS]
        gone_odds, when, buying, leaving = left(part, alpha, beta, r=r, s=s)
        gone, k = expit(gone_odds), r + part.frequency
        older, later = alpha + part.age, beta + part.age
        value += dot(held, np.logaddexp(0, gone_odds) - k * np.log(older) - s * np.log(later))
        gone_held, here = held * gone, held * (1 - gone)
        bought = np.einsum("ij,ij->i", when, np.log(buying))
        stayed = np.einsum("ij,ij->i", when, np.log(leaving))
        gradient -= np.array([
            dot(gone_held, bought) + dot(here, np.log(older)),
            dot(gone_held * k, (when / buying).sum(axis=1)) + dot(here, k / older),
            dot(gone_held, stayed - 1 / s) + dot(here, np.log(later)),
            dot(gone_held * (s + 1), (when / leaving).sum(axis=1)) + dot(here, s / later),
        ])  # fmt: skip
    return float(value), gradient
