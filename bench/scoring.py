"""Scoring: seconds of fitting and of scoring everybody, beside the package lifetimes.

    python -m bench.scoring [--customers 2357 100000 1000000] [--without-lifetimes]

Customers are simulated as BG/NBD says, with CDNOW's parameters, on whole days of 39 weeks, and once
more at any second, so that hardly two are alike and nothing is gained by counting them together.
lifetimes.BetaGeoFitter gets the same rows in the same run; the likelihood of its parameters is
worked out by our function, which the tests compare with the papers'.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from bench.machine import banner
from services.scoring.model import bg_nbd, clv, gamma_gamma, pareto_nbd
from services.scoring.model.bg_nbd import BgNbd
from services.scoring.model.fitting import Fitted, Unfitted
from services.scoring.model.gamma_gamma import GammaGamma
from services.scoring.model.purchases import Floats, Purchases

Result = TypeVar("Result")
CDNOW = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)
SPENT = GammaGamma(6.25, 3.744, 15.44)
SEED = 4


class Took(NamedTuple):
    """Seconds of processor, and by the clock, which others slow down."""

    cpu_s: float
    wall_s: float

    def __str__(self) -> str:
        return f"{self.cpu_s:8.2f} s of processor {self.wall_s:8.2f} s by the clock"


def main() -> None:
    """Print a line for each size, kind of time and model."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--customers", type=int, nargs="+", default=[2_357, 100_000, 1_000_000])
    arguments.add_argument("--without-lifetimes", action="store_true")
    asked = arguments.parse_args()
    banner("scoring", "numpy", "scipy", "scikit-learn", "lifetimes")
    for customers in asked.customers:
        for name, is_whole_days in (("days", True), ("seconds", False)):
            rows = simulated(customers, is_whole_days=is_whole_days)
            distinct = len(rows.counted()[0])
            print(f"\n{customers:,} customers on {name}: {distinct:,} distinct histories")
            _fits(rows)
            if not asked.without_lifetimes:
                _lifetimes(rows)
            _scores(rows)


def simulated(customers: int, *, is_whole_days: bool) -> Purchases:
    """Who joined in the first twelve weeks of 39, and what they bought until the end."""
    random = np.random.default_rng(SEED)
    rate = random.gamma(CDNOW.r, 1 / CDNOW.alpha, customers)
    until = random.geometric(np.maximum(random.beta(CDNOW.a, CDNOW.b, customers), 1e-12))
    age = random.uniform(27, 39, customers)
    count, last, at = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    still = np.arange(customers)
    while len(still):
        at[still] += random.exponential(1, len(still)) / np.maximum(rate[still], 1e-12)
        still = still[(at[still] <= age[still]) & (count[still] < until[still])]
        count[still] += 1
        last[still] = at[still]
    if is_whole_days:
        age, last = np.ceil(age * 7) / 7, np.ceil(last * 7) / 7
    return Purchases(count, last, age)


def timed(work: Callable[[], Result]) -> tuple[Result, Took]:
    """What ``work`` gave, and how long it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return found, Took(time.process_time() - cpu, time.perf_counter() - wall)


def _fits(rows: Purchases) -> None:
    fits: list[tuple[str, Callable[[Purchases], Fitted[Any] | Unfitted]]]
    fits = [("BG/NBD", bg_nbd.fit), ("Pareto/NBD", pareto_nbd.fit)]
    if len(rows.counted()[0]) > 200_000:
        # It integrates over each history: minutes, and nobody's histories are that different.
        fits.pop()
    for name, fit in fits:
        found, took = timed(partial(fit, rows))
        print(f"  fit {name:24s} {took}  {_said(found)}")


def _lifetimes(rows: Purchases) -> None:
    from lifetimes import BetaGeoFitter  # noqa: PLC0415 (imports pandas; only where compared)

    fitter = BetaGeoFitter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _, took = timed(
                lambda: fitter.fit(rows.frequency, rows.recency, rows.age, verbose=False)
            )
        except Exception as error:  # noqa: BLE001 (whatever it raises is its result here)
            print(f"  fit lifetimes.BetaGeoFitter did not: {type(error).__name__}")
            return
    model = BgNbd(**{name: float(fitter.params_[name]) for name in ("r", "alpha", "a", "b")})
    likelihood = bg_nbd.log_likelihood(model, rows)
    print(f"  fit lifetimes.BetaGeoFitter  {took}  LL {likelihood:.3f}  {model}")


def _scores(rows: Purchases) -> None:
    spend = np.where(rows.frequency > 0, SPENT.p * SPENT.gamma / (SPENT.q - 1), 0.0)
    plain = pareto_nbd.ParetoNbd(0.553, 10.578, 0.606, 11.669)
    work: dict[str, Callable[[], Floats]] = {
        "BG/NBD P(alive)": lambda: bg_nbd.alive(CDNOW, rows),
        "BG/NBD E[Y(39)]": lambda: bg_nbd.expected(CDNOW, rows, 39),
        "Pareto/NBD E[Y(39)]": lambda: pareto_nbd.expected(plain, rows, 39),
        "Gamma-Gamma E[M]": lambda: gamma_gamma.expected_spend(SPENT, rows.frequency, spend),
    }
    if len(rows) <= 100_000:
        work["CLV of 52 weeks"] = lambda: clv.lifetime_value(
            lambda t: bg_nbd.expected(CDNOW, rows, t), spend, clv.Terms()
        )
    for name, one in work.items():
        _, took = timed(one)
        print(f"  score {name:22s} {took}  {len(rows) / max(took.cpu_s, 1e-9):14,.0f} /s")


def _said(found: Fitted[Any] | Unfitted) -> str:
    if isinstance(found, Unfitted):
        return f"not fitted: {found.reason}"
    return f"LL {found.log_likelihood:.3f}  {found.parameters}"


if __name__ == "__main__":
    main()
