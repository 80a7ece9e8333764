"""Hold-out: purchases of CDNOW's weeks 40 to 78, foretold from the first 39."""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from bench.scores import cdnow
from services.scoring.model import bg_nbd, covariates, pareto_nbd
from services.scoring.model.fitting import Fitted, Unfitted
from services.scoring.model.purchases import Floats, Integers

Model = TypeVar("Model")
OURS: Final = "Pareto/NBD moved by the first day"


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


def foretell(sales: cdnow.Sales, *, until: int, weeks: int) -> Foretold:
    """What all models, fitted to ``sales`` until a day, expect of the ``weeks`` after it."""
    seen = sales.seen(until)
    rows, known = seen.purchases, sales.first_day(seen.customers)
    counted, plain = fitted(bg_nbd.fit(rows)), fitted(pareto_nbd.fit(rows))
    moved = fitted(covariates.fit(rows, known))
    same = np.divide(
        rows.frequency * weeks, rows.age, out=np.zeros_like(rows.age), where=rows.age > 0
    )
    return Foretold(
        {
            "same as before": rows.frequency if weeks == cdnow.HELD_OUT_WEEKS else same,
            "BG/NBD": bg_nbd.expected(counted, rows, weeks),
            "Pareto/NBD": pareto_nbd.expected(plain, rows, weeks),
            OURS: covariates.expected(moved, rows, known, weeks),
        },
        sales.days_bought(seen.customers, after=until, until=until + 7 * weeks),
        rows.frequency,
    )


def fitted(found: Fitted[Model] | Unfitted) -> Model:
    """The parameters; ends the report where there are none."""
    if isinstance(found, Unfitted):
        raise SystemExit(f"a model that the report shows was not fitted: {found.reason}")
    return found.parameters


def _line(name: str, foretold: Floats, happened: Floats) -> Line:
    missed = foretold - happened
    return Line(
        name,
        float(np.abs(missed).mean()),
        float(np.sqrt((missed**2).mean())),
        float(foretold.sum()),
        float(happened.sum()),
    )
