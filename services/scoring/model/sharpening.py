"""Sharpening: Pareto/NBD's expectation, put right by what it would have missed earlier.

The model is fitted to all that is known and asked at earlier instants for as long a time as had
passed by then. What it said is multiplied so that both errors become small: who bought once comes
down, who came again goes up, and further by whatever else was known of them. Rolling origins, as in
Tashman (2000), Out-of-sample Tests of Forecasting Accuracy.

What comes of it lies between each customer's mean and median: absolute errors ask for the median,
squared ones for the mean (Gneiting 2011, Making and Evaluating Point Forecasts, table 1). All
together expect what Pareto/NBD expects: sums are as good as its own, no better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy.optimize import minimize

from services.errors import Misconfigured, Refused
from services.scoring.model import pareto_nbd
from services.scoring.model.fitting import Unfitted
from services.scoring.model.pareto_nbd import ParetoNbd
from services.scoring.model.purchases import Floats, Purchases, dot

ENOUGH: Final = 100
"""Customers who have to buy after each earlier instant. Set beforehand, searched with no data."""
ABSOLUTE: Final = 1.0
"""What an absolute error weighs beside a squared one, each by Pareto/NBD's own."""
SMOOTH: Final = 0.02
"""Purchases within which an absolute error is rounded off, so that it has a slope everywhere."""
RIDGE: Final = 1e-3
"""What a weight costs, squared: keeps it finite where nothing speaks for one."""
FLAT: Final = 1e-4
"""Slope of the loss (about 2) that counts as none."""
FARTHEST: Final = 3.0
"""Nobody is multiplied by more than e to this, or by less than its inverse."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Customers as they were known at an instant: a row each."""

    purchases: Purchases
    known: Floats
    """A column a fact, as many as one likes, none too; it may be of any day until then."""

    def __post_init__(self) -> None:
        """Refuse facts that are not of these customers."""
        shape = self.known.shape
        if len(shape) != 2 or shape[0] != len(self.purchases) or not np.isfinite(self.known).all():
            raise Refused(
                f"has shape {shape}, of {len(self.purchases)} customers",
                "give a row a customer of finite numbers",
                field="known",
            )

    @property
    def columns(self) -> Floats:
        """What multiplies: whether somebody bought once, and what is known."""
        return np.column_stack([self.purchases.frequency == 0, self.known]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Earlier:
    """Who was known at an instant, and on how many days they bought in the ``weeks`` after it."""

    seen: Seen
    happened: Floats
    weeks: float


@dataclass(frozen=True, slots=True)
class Sharpened:
    """Pareto/NBD, and what its expectation is multiplied by."""

    rate: ParetoNbd
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    """Added to the log of the expectation by one spread: first of having bought once."""
    level: float
    """Added to everybody's, so that all together are expected to buy as often as before."""

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it, to the last digit."""
        return asdict(self)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The model that ``stored`` was made of; raises ``Misconfigured`` where it is damaged."""
        means, spreads, weights = (
            tuple(map(float, stored[name])) for name in ("means", "spreads", "weights")
        )
        if not len(means) == len(spreads) == len(weights) or 0.0 in spreads:
            raise Misconfigured("the stored weights are damaged: train the model again")
        rate = ParetoNbd(**stored["rate"])
        return cls(rate, means, spreads, weights, float(stored["level"]))


def fit(
    now: Seen, earlier: Sequence[Earlier], *, weeks: float, absolute: float = ABSOLUTE
) -> Sharpened | Unfitted:
    """What was missed earlier, learnt; the level is Pareto/NBD's own over the ``weeks`` to come.

    Its parameters are those of ``now`` (Fader and Hardie 2005, equation 18): to ask for them at
    each earlier instant would need far more customers. The weights make the mean absolute error,
    ``absolute`` times, and the mean squared error smallest together, each as a part of Pareto/NBD's
    own (Gneiting 2011, table 1), with each of ``earlier`` counting alike.
    """
    customers = len(now.purchases)
    plain = pareto_nbd.fit(now.purchases)
    if isinstance(plain, Unfitted):
        return plain
    came = min((int((one.happened > 0).sum()) for one in earlier), default=0)
    if came < ENOUGH:
        return Unfitted(f"{came} customers bought again after an instant, not {ENOUGH}", customers)
    rate = plain.parameters
    columns = [one.seen.columns for one in earlier]
    means, spreads = _scale(np.concatenate(columns))
    losses = [
        _Loss(
            pareto_nbd.expected(rate, one.seen.purchases, one.weeks),
            one.happened,
            (column - means) / spreads,
            absolute,
        )
        for one, column in zip(earlier, columns, strict=True)
    ]
    found = minimize(
        lambda weights: _together(losses, weights), np.zeros(len(means)), jac=True, method="BFGS",
        options={"gtol": 1e-6},
    )  # fmt: skip
    if float(np.abs(found.jac).max()) > FLAT:
        return Unfitted(f"no weights were found: {found.message}", customers, int(found.nit))
    model = Sharpened(
        rate, tuple(means.tolist()), tuple(spreads.tolist()), tuple(found.x.tolist()), 0.0
    )
    before = pareto_nbd.expected(rate, now.purchases, weeks).sum()
    level = float(np.log(before / expected(model, now, weeks).sum()))
    return replace(model, level=level)


def expected(model: Sharpened, seen: Seen, weeks: float) -> Floats:
    """Purchases in the ``weeks`` to come: E[Y(t) | x, t_x, T] of Pareto/NBD, multiplied.

    The expectation is Fader and Hardie (2005), equation 41. One forecast for each customer, and
    never less for a longer time, since what multiplies does not depend on it.
    """
    columns = seen.columns
    if columns.shape[1] != len(model.weights):
        raise Refused(
            f"has {columns.shape[1] - 1} columns",
            f"give the {len(model.weights) - 1} that the model was trained with",
            field="known",
        )
    z = (columns - np.asarray(model.means)) / np.asarray(model.spreads)
    plain = pareto_nbd.expected(model.rate, seen.purchases, weeks)
    return np.asarray(
        plain * np.exp(model.level + _bounded(np.einsum("ij,j->i", z, np.asarray(model.weights))))
    )


def _scale(columns: Floats) -> tuple[Floats, Floats]:
    """Means and spreads; a column that is the same of everybody is left as wide as it is."""
    is_same = np.ptp(columns, axis=0) == 0
    return columns.mean(axis=0), np.where(is_same, 1.0, columns.std(axis=0))


def _together(losses: Sequence["_Loss"], weights: Floats) -> tuple[float, Floats]:
    values, slopes = zip(*(loss(weights) for loss in losses), strict=True)
    value = float(np.mean(values)) + RIDGE * float(weights @ weights)
    return value, np.mean(slopes, axis=0) + 2 * RIDGE * weights


def _bounded(steps: Floats) -> Floats:
    return np.asarray(np.clip(steps, -FARTHEST, FARTHEST))


class _Loss:
    """Of weights, with its gradient; the sum of what is expected is kept."""

    def __init__(self, plain: Floats, happened: Floats, z: Floats, absolute: float) -> None:
        missed = plain - happened
        self._plain, self._happened, self._z = plain, happened, z
        self._absolute = float(np.abs(missed).mean()) / absolute
        self._squared = float((missed**2).mean())

    def __call__(self, weights: Floats) -> tuple[float, Floats]:
        steps = np.einsum("ij,j->i", self._z, weights)
        said = self._plain * np.exp(_bounded(steps))
        said *= self._plain.sum() / said.sum()
        missed = said - self._happened
        rounded = np.sqrt(missed**2 + SMOOTH**2)
        value = rounded.mean() / self._absolute + (missed**2).mean() / self._squared
        # Of the loss by each step: where a step is bounded it moves nobody.
        by_said = (missed / rounded / self._absolute + 2 * missed / self._squared) / len(said)
        moves = said * (np.abs(steps) < FARTHEST)
        shift = dot(by_said, said) / said.sum()
        slope = np.einsum("i,ij->j", moves * (by_said - shift), self._z)
        return float(value), np.asarray(slope)
