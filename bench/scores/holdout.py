"""Hold-out: purchases of CDNOW's weeks 40 to 78, foretold from the first 39."""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from bench.scores import cdnow
from services.scoring.model import bg_nbd, covariates, pareto_nbd, rolling, sharpening
from services.scoring.model.fitting import Fitted, Unfitted
from services.scoring.model.purchases import Floats, Integers

Model = TypeVar("Model")
OURS: Final = "Pareto/NBD, sharpened"
DRAWS: Final = 1_000
SEED: Final = 11


@dataclass(frozen=True, slots=True)
class Line:
    """How one model did."""

    model: str
    mae: float
    rmse: float
    foretold: float
    happened: float

    @property
    def off(self) -> float:
        """The total foretold against what happened, as a share."""
        return self.foretold / self.happened - 1


@dataclass(frozen=True, slots=True)
class Foretold:
    """Purchases by model, for customers who then bought ``happened``."""

    by_model: dict[str, Floats]
    happened: Floats
    seen: Floats
    """Repeat purchases that were known."""

    def lines(self, chosen: Integers | None = None) -> list[Line]:
        """One a model, over everybody or the ``chosen`` rows."""
        rows = np.arange(len(self.happened)) if chosen is None else chosen
        return [_line(name, one[rows], self.happened[rows]) for name, one in self.by_model.items()]


@dataclass(frozen=True, slots=True)
class Difference:
    """Our errors against another model's, as shares of its own: below nothing is better."""

    other: str
    mae: float
    mae_between: tuple[float, float]
    rmse: float
    rmse_between: tuple[float, float]


def differences(foretold: Foretold, chosen: Integers | None = None) -> list[Difference]:
    """With the middle 95 % of what customers drawn anew give (Efron 1979, Bootstrap Methods).

    Both models are judged by the same customers in each draw, so that what they share is no doubt.
    """
    rows = np.arange(len(foretold.happened)) if chosen is None else chosen
    random = np.random.default_rng(SEED)
    draws = [rows, *(random.choice(rows, len(rows)) for _ in range(DRAWS))]
    missed = {name: one - foretold.happened for name, one in foretold.by_model.items()}
    absolute, squared = (
        {name: by(one) for name, one in missed.items()} for by in (np.abs, np.square)
    )
    found = []
    for other in ("BG/NBD", "Pareto/NBD"):
        mae, rmse = (
            np.array([kind[OURS][one].mean() / kind[other][one].mean() for one in draws])
            for kind in (absolute, squared)
        )
        found.append(Difference(other, *_between(mae - 1), *_between(np.sqrt(rmse) - 1)))
    return found


def foretell(sales: cdnow.Sales, *, until: int, weeks: int) -> Foretold:
    """What all models, fitted to ``sales`` until a day, expect of the ``weeks`` after it."""
    seen = sales.seen(until)
    rows, known = seen.purchases, sales.first_day(seen.customers)
    counted, plain = fitted(bg_nbd.fit(rows)), fitted(pareto_nbd.fit(rows))
    moved = fitted(covariates.fit(rows, known))
    sharp, now = sharpened(sales, until=until, weeks=weeks)
    same = np.divide(
        rows.frequency * weeks, rows.age, out=np.zeros_like(rows.age), where=rows.age > 0
    )
    return Foretold(
        {
            "same as before": rows.frequency if weeks == cdnow.HELD_OUT_WEEKS else same,
            "BG/NBD": bg_nbd.expected(counted, rows, weeks),
            "Pareto/NBD": pareto_nbd.expected(plain, rows, weeks),
            "Pareto/NBD moved by the first day": covariates.expected(moved, rows, known, weeks),
            OURS: sharpening.expected(sharp, now, weeks),
        },
        sales.days_bought(seen.customers, after=until, until=until + 7 * weeks),
        rows.frequency,
    )


def sharpened(
    sales: cdnow.Sales, *, until: int, weeks: float
) -> tuple[sharpening.Sharpened, sharpening.Seen]:
    """The model that ships, fitted to ``sales`` until a day, and whom it then knew."""
    sold = sales.before(until).sold
    _, now = rolling.seen(sold, until=until)
    found = sharpening.fit(now, rolling.earlier(sold, until=until), weeks=weeks)
    if isinstance(found, Unfitted):
        raise SystemExit(f"a model that the report shows was not fitted: {found.reason}")
    return found, now


def fitted(found: Fitted[Model] | Unfitted) -> Model:
    """The parameters; ends the report where there are none."""
    if isinstance(found, Unfitted):
        raise SystemExit(f"a model that the report shows was not fitted: {found.reason}")
    return found.parameters


def _between(changes: Floats) -> tuple[float, tuple[float, float]]:
    low, high = np.quantile(changes[1:], [0.025, 0.975]).tolist()
    return float(changes[0]), (low, high)


def _line(name: str, foretold: Floats, happened: Floats) -> Line:
    missed = foretold - happened
    return Line(
        name,
        float(np.abs(missed).mean()),
        float(np.sqrt((missed**2).mean())),
        float(foretold.sum()),
        float(happened.sum()),
    )
