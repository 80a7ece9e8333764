"""Fitting: the largest likelihood, its parameters and how sure they are.

Parameters of these models are positive and of any size, so that the search runs over their
logarithms: a step there is a proportion, and no bound has to be minded. Coefficients, which may
have either sign, come last and are searched as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np
from scipy.optimize import minimize

from services.scoring.model.purchases import Floats

Parameters = TypeVar("Parameters")
Likelihood: TypeAlias = Callable[[Floats], tuple[float, Floats]]
"""Log-likelihood and its gradient, both in the parameters themselves."""

BOUND: Final = float(np.log(1e6))
"""A parameter above a million or below a millionth says that the data don't determine it."""
COEFFICIENT: Final = 5.0
"""A coefficient beyond this multiplies a rate by 150 for a spread of one: none was seen near it."""
STEEP: Final = 1e-6
"""Gradient of the mean log-likelihood (by log parameter) that still counts as flat."""
NEWTON_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class Fitted(Generic[Parameters]):
    """A maximum was reached."""

    parameters: Parameters
    errors: Parameters
    """Standard errors, from the observed information."""
    log_likelihood: float
    customers: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Unfitted:
    """No maximum was reached: keep the model you had."""

    reason: str
    customers: int
    iterations: int = 0


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where a likelihood is largest."""

    values: tuple[float, ...]
    errors: tuple[float, ...]
    log_likelihood: float
    iterations: int


def maximise(
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    *,
    names: str,
    customers: int,
    coefficients: int = 0,
) -> Maximum | Unfitted:
    """The maximum that the first of ``starts`` to arrive at one arrives at.

    Quasi-Newton steps come near, Newton's own (on differences of the exact gradient) reach the
    digits, and their Hessian is the observed information that standard errors come from.
    """
    failed = Unfitted("there was nothing to start from", customers)
    for start in starts:
        scale = _Scale(len(start) - coefficients)
        found = _climb(
            _Search(likelihood, scale, customers), scale.inward(np.asarray(start)), names
        )
        if isinstance(found, Maximum):
            return found
        failed = found
    return failed


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where the search runs: logarithms of the first ``positive`` parameters, then all others."""

    positive: int

    def inward(self, values: Floats) -> Floats:
        return np.concatenate([np.log(values[: self.positive]), values[self.positive :]])

    def outward(self, inner: Floats) -> Floats:
        return np.concatenate([np.exp(inner[: self.positive]), inner[self.positive :]])

    def slope(self, values: Floats) -> Floats:
        """Of the parameters by what is searched."""
        return np.where(np.arange(len(values)) < self.positive, values, 1.0)

    def bounds(self, size: int) -> Floats:
        return np.where(np.arange(size) < self.positive, BOUND, COEFFICIENT)


@dataclass(frozen=True, slots=True)
class _Search:
    """A likelihood as what is searched sees it: by customer, and to be made small."""

    likelihood: Likelihood
    scale: _Scale
    customers: int

    def descent(self, inner: Floats) -> tuple[float, Floats]:
        values = self.scale.outward(inner)
        value, gradient = self.likelihood(values)
        return -value / self.customers, -gradient * self.scale.slope(values) / self.customers


def _climb(search: _Search, start: Floats, names: str) -> Maximum | Unfitted:
    scale, descent, customers = search.scale, search.descent, search.customers
    bounds = scale.bounds(len(start))
    near = minimize(
        descent,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(-bounds, bounds, strict=True)),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
    )
    inner, iterations = np.asarray(near.x, dtype=float), int(near.nit)
    ran_away = [
        name
        for name, is_far in zip(names.split(), np.abs(inner) > bounds - 0.1, strict=True)
        if is_far
    ]
    if ran_away:
        reason = f"{', '.join(ran_away)} ran to a bound: the data do not determine it"
        return Unfitted(reason, customers, iterations)
    inner, information, steps = _polish(descent, inner, bounds)
    value, gradient = descent(inner)
    steep = float(np.abs(gradient).max())
    if not (np.isfinite(value) and steep < STEEP):
        return Unfitted(
            f"stopped where the slope is still {steep:.1g}", customers, iterations + steps
        )
    if not _is_bowl(information):
        reason = "the likelihood is flat where it is largest"
        return Unfitted(reason, customers, iterations + steps)
    values = scale.outward(inner)
    errors = scale.slope(values) * np.sqrt(np.diag(np.linalg.inv(information)) / customers)
    return Maximum(
        tuple(map(float, values)), tuple(map(float, errors)), -value * customers, iterations + steps
    )


def _polish(descent: Likelihood, inner: Floats, bounds: Floats) -> tuple[Floats, Floats, int]:
    """Newton's steps while each makes it flatter: where they end, the Hessian, how many."""
    _, gradient = descent(inner)
    information = _differences(descent, inner)
    for step in range(NEWTON_STEPS):
        if np.abs(gradient).max() < STEEP / 100 or not _is_bowl(information):
            return inner, information, step
        stepped = np.clip(inner - np.linalg.solve(information, gradient), -bounds, bounds)
        _, flatter = descent(stepped)
        if not np.abs(flatter).max() < np.abs(gradient).max():
            return inner, information, step
        inner, gradient = stepped, flatter
        information = _differences(descent, inner)
    return inner, information, NEWTON_STEPS


def _differences(descent: Likelihood, inner: Floats, step: float = 1e-5) -> Floats:
    """The Hessian, by central differences of the exact gradient."""
    rows = [
        (descent(inner + shift)[1] - descent(inner - shift)[1]) / (2 * step)
        for shift in np.eye(len(inner)) * step
    ]
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2)


def _is_bowl(hessian: Floats) -> bool:
    return bool(np.isfinite(hessian).all() and np.linalg.eigvalsh(hessian).min() > 1e-12)
