"""Covariates: Pareto/NBD where what is known of a customer from the first day moves the rates.

Fader, Hardie (2007), Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models,
section 2: alpha exp(-g z) for buying and beta exp(-h z) for leaving, z being standardised here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, psi

from services.errors import Refused
from services.scoring.model import pareto_nbd
from services.scoring.model.fitting import Fitted, Unfitted, maximise
from services.scoring.model.pareto_nbd import ParetoNbd
from services.scoring.model.purchases import Floats, Purchases


@dataclass(frozen=True, slots=True)
class Moved:
    """Pareto/NBD of an average customer, and what moves it, by covariate."""

    average: ParetoNbd
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    buying: tuple[float, ...]
    """Added to the log of the rate of buying, by one spread of each covariate."""
    leaving: tuple[float, ...]
    """Added to the log of the rate of leaving, likewise."""

    def standardised(self, known: Floats) -> Floats:
        """``known`` of customers (rows) as ``buying`` and ``leaving`` multiply it."""
        if known.ndim != 2 or known.shape[1] != len(self.means):
            raise Refused(
                f"has shape {known.shape}", f"give {len(self.means)} columns", field="known"
            )
        return np.asarray((known - np.asarray(self.means)) / np.asarray(self.spreads))


def fit(purchases: Purchases, known: Floats) -> Fitted[Moved] | Unfitted:
    """Parameters by maximum likelihood; ``known`` has a row a customer, a column a covariate.

    A column that is the same for everybody moves nobody: its coefficients would not be determined,
    and the fit says so.
    """
    plain = pareto_nbd.fit(purchases)
    if isinstance(plain, Unfitted):
        return plain
    means, spreads = known.mean(axis=0), known.std(axis=0)
    size = known.shape[1]
    if not (spreads > 0).all():
        return Unfitted("a covariate is the same for everybody", len(purchases))
    z = (known - means) / spreads
    start = plain.parameters
    found = maximise(
        lambda values: _likelihood(values, purchases, z),
        [[start.r, start.alpha, start.s, start.beta, *[0.0] * (2 * size)]],
        names=" ".join(["r alpha s beta", *(f"g{n}" for n in range(size)),
                        *(f"h{n}" for n in range(size))]),
        customers=len(purchases),
        coefficients=2 * size,
    )  # fmt: skip
    if isinstance(found, Unfitted):
        return found
    model, errors = (
        Moved(
            ParetoNbd(*values[:4]),
            tuple(means.tolist()),
            tuple(spreads.tolist()),
            values[4 : 4 + size],
            values[4 + size :],
        )
        for values in (found.values, found.errors)
    )
    return Fitted(model, errors, found.log_likelihood, len(purchases), found.iterations)


def alive(model: Moved, purchases: Purchases, known: Floats) -> Floats:
    """P(alive), as of Pareto/NBD with each customer's own alpha and beta."""
    alpha, beta = _own(model, known)
    plain = model.average
    return np.concatenate([np.zeros(0), *(
        expit(-pareto_nbd.left(part, a, b, r=plain.r, s=plain.s)[0])
        for part, a, b in _parts(purchases, alpha, beta)
    )])  # fmt: skip


def expected(model: Moved, purchases: Purchases, known: Floats, weeks: float) -> Floats:
    """E[Y(t) | x, t_x, T, z]: purchases in the ``weeks`` to come."""
    alpha, beta = _own(model, known)
    rate = (model.average.r + purchases.frequency) / (alpha + purchases.age)
    stays = pareto_nbd.stay(model.average.s, beta + purchases.age, np.asarray(weeks))
    return alive(model, purchases, known) * rate * stays


def _own(model: Moved, known: Floats) -> tuple[Floats, Floats]:
    z = model.standardised(known)
    return (
        np.asarray(model.average.alpha * np.exp(-z @ np.asarray(model.buying))),
        np.asarray(model.average.beta * np.exp(-z @ np.asarray(model.leaving))),
    )


def _parts(
    purchases: Purchases, alpha: Floats, beta: Floats
) -> list[tuple[Purchases, Floats, Floats]]:
    step = pareto_nbd.ROWS
    return [
        (part, alpha[n * step : (n + 1) * step], beta[n * step : (n + 1) * step])
        for n, part in enumerate(pareto_nbd.parts_of(purchases))
    ]


def _likelihood(values: Floats, purchases: Purchases, z: Floats) -> tuple[float, Floats]:
    """Log-likelihood (Fader and Hardie 2005, equation 18, by customer) and its gradient."""
    r, alpha_0, s, beta_0 = map(float, values[:4])
    size = z.shape[1]
    alpha = alpha_0 * np.exp(-z @ values[4 : 4 + size])
    beta = beta_0 * np.exp(-z @ values[4 + size :])
    value, gradient = 0.0, np.zeros(len(values))
    for n, (part, a, b) in enumerate(_parts(purchases, alpha, beta)):
        known = z[n * pareto_nbd.ROWS : (n + 1) * pareto_nbd.ROWS]
        odds, when, buying, leaving = pareto_nbd.left(part, a, b, r=r, s=s)
        gone, here, k = expit(odds), expit(-odds), r + part.frequency
        older, later = np.log(a + part.age), np.log(b + part.age)
        value += float((
            gammaln(k) - gammaln(r) + r * np.log(a) + s * np.log(b)
            + np.logaddexp(0, odds) - k * older - s * later
        ).sum())  # fmt: skip
        by_alpha = r - a * k * (gone * (when / buying).sum(axis=1) + here / (a + part.age))
        by_beta = s - b * (
            gone * (s + 1) * (when / leaving).sum(axis=1) + here * s / (b + part.age)
        )
        spent = gone * (when * np.log(buying)).sum(axis=1) + here * older
        stayed = gone * ((when * np.log(leaving)).sum(axis=1) - 1 / s) + here * later
        gradient += np.concatenate([
            [
                (psi(k) - psi(r) + np.log(a) - spent).sum(), by_alpha.sum() / alpha_0,
                (np.log(b) - stayed).sum(), by_beta.sum() / beta_0,
            ],
            -(by_alpha @ known),
            -(by_beta @ known),
        ])  # fmt: skip
    return value, gradient
