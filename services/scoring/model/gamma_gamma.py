"""Gamma-Gamma: what a customer spends on an average purchase.

Fader, Hardie, Lee (2005), RFM and CLV: Using Iso-Value Curves for Customer Base Analysis, Journal
of Marketing Research 42(4); equations as in Fader, Hardie (2013), The Gamma-Gamma Model of Monetary
Value.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, psi

from services.scoring.model.fitting import Fitted, Unfitted, maximise
from services.scoring.model.purchases import Floats


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Amounts of a customer are gamma of shape p; their rates, over customers, (q, gamma)."""

    p: float
    q: float
    gamma: float


def fit(frequency: Floats, spend: Floats) -> Fitted[GammaGamma] | Unfitted:
    """Parameters by maximum likelihood (equation 1a), from customers who came again and spent.

    ``spend`` is the mean amount of ``frequency`` repeat purchases. Who never came again, or whose
    refunds took everything back, says nothing of amounts and is left out.
    """
    is_used = (frequency > 0) & (spend > 0)
    x, m = frequency[is_used], spend[is_used]
    customers = len(x)
    if customers < 3 or np.ptp(m) == 0:
        return Unfitted("fewer than three customers who differ in what they spent", customers)
    scale = float(np.median(m))
    found = maximise(
        lambda values: _likelihood(values, x, m / scale),
        [(2.0, 2.0, 1.0), (6.0, 4.0, 0.5), (1.0, 6.0, 5.0)],
        names="p q gamma",
        customers=customers,
    )
    if isinstance(found, Unfitted):
        return found
    # The likelihood is a density: money counted in other units moves it by log(scale) a customer.
    value = found.log_likelihood - customers * np.log(scale)
    return Fitted(
        _scaled(found.values, scale),
        _scaled(found.errors, scale),
        float(value),
        customers,
        found.iterations,
    )


def log_likelihood(model: GammaGamma, frequency: Floats, spend: Floats) -> float:
    """Of all mean amounts together (equation 1a, in logarithms)."""
    is_used = (frequency > 0) & (spend > 0)
    values = np.array([model.p, model.q, model.gamma])
    return _likelihood(values, frequency[is_used], spend[is_used])[0]


def expected_spend(model: GammaGamma, frequency: Floats, spend: Floats) -> Floats:
    """E[M | m, x]: the mean amount to come (equation 5), at least 0.

    Between what all customers spend and what this one did, nearer to the latter the more often
    they bought. With q of 1 or less the population has no mean: those of whom nothing is known get
    the mean of a single purchase, p gamma / q, which is then too little.
    """
    used = np.where((frequency > 0) & (spend > 0), frequency, 0.0)
    total = np.where(used > 0, spend * used, 0.0)
    below = model.p * used + model.q - 1
    safe = np.where(below > 0, below, model.q)
    return np.asarray(model.p * (model.gamma + total) / safe)


def _scaled(values: tuple[float, ...], scale: float) -> GammaGamma:
    p, q, gamma = values
    return GammaGamma(p, q, gamma * scale)


def _likelihood(values: Floats, x: Floats, m: Floats) -> tuple[float, Floats]:
    p, q, gamma = map(float, values)
    total, px = x * m, p * x
    longer, logs = np.log(gamma + total), np.log(total)
    value = (
        gammaln(px + q) - gammaln(px) - gammaln(q)
        + q * np.log(gamma) + px * logs - np.log(m) - (px + q) * longer
    ).sum()  # fmt: skip
    both = psi(px + q)
    gradient = np.array([
        (x * (both - psi(px) + logs - longer)).sum(),
        (both - psi(q) + np.log(gamma) - longer).sum(),
        (q / gamma - (px + q) / (gamma + total)).sum(),
    ])  # fmt: skip
    return float(value), gradient
