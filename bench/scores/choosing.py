"""Choosing: kinds of sharpening, compared within CDNOW's first 39 weeks alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from bench.scores import cdnow
from services.scoring.model import pareto_nbd, rolling, sharpening
from services.scoring.model.fitting import Unfitted
from services.scoring.model.purchases import Floats
from services.scoring.model.sharpening import Earlier, Seen

UNTIL: Final = tuple(cdnow.FROM - 1 + days for days in (136, 154, 182, 210))
"""Weeks 19½, 22, 26 and 30: from each the rest of the 39 is foretold."""
END, LAST = cdnow.OBSERVED_UNTIL, cdnow.HELD_OUT_UNTIL
PARTS: Final = ((1 / 2,), (1 / 3, 1 / 2), (1 / 4, 1 / 3, 1 / 2))
FACTS: Final = ("nothing", "discs", "dollars")
ABSOLUTE: Final = (1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of sharpening."""

    parts: tuple[float, ...]
    facts: str
    absolute: float


@dataclass(frozen=True, slots=True)
class Tried:
    """How a candidate did against Pareto/NBD: changes of MAE and RMSE as shares, by origin."""

    candidate: Candidate
    changes: tuple[tuple[float, float], ...]
    held_out: tuple[float, float]
    """The same on weeks 40 to 78, which has no part in the order."""

    @property
    def always_wins(self) -> bool:
        """Both figures are better from every origin."""
        return all(max(one) < 0 for one in self.changes)

    @property
    def both(self) -> float:
        """Both changes together, mean of the origins."""
        return float(np.mean([sum(one) for one in self.changes]))


def tried() -> list[Tried]:
    """All candidates, best first: who wins always comes before who does not."""
    found = [
        Tried(one, tuple(_changes(one, until, END) for until in UNTIL), _changes(one, END, LAST))
        for one in (Candidate(*each) for each in product(PARTS, FACTS, ABSOLUTE))
    ]
    return sorted(found, key=lambda one: (not one.always_wins, one.both))


def _changes(candidate: Candidate, until: int, end: int) -> tuple[float, float]:
    sales = cdnow.master().before(end)
    weeks = (end - until) / 7
    customers, _ = rolling.seen(sales.sold, until=until)
    now = _seen(sales, until, candidate.facts)
    model = sharpening.fit(
        now, list(_earlier(sales, until, candidate)), weeks=weeks, absolute=candidate.absolute
    )
    if isinstance(model, Unfitted):
        raise SystemExit(f"a candidate was not fitted: {model.reason}")
    happened = sales.days_bought(customers, after=until, until=end)
    ours, theirs = (
        one - happened
        for one in (
            sharpening.expected(model, now, weeks),
            pareto_nbd.expected(model.rate, now.purchases, weeks),
        )
    )
    return (
        float(np.abs(ours).mean() / np.abs(theirs).mean() - 1),
        float(np.sqrt((ours**2).mean() / (theirs**2).mean()) - 1),
    )


def _earlier(sales: cdnow.Sales, until: int, candidate: Candidate) -> Iterator[Earlier]:
    made = rolling.earlier(sales.before(until).sold, until=until, parts=candidate.parts)
    for one, part in zip(made, candidate.parts, strict=True):
        at = cdnow.FROM - 1 + int((until - cdnow.FROM + 1) * part)
        yield replace(one, seen=_seen(sales, at, candidate.facts))


def _seen(sales: cdnow.Sales, until: int, facts: str) -> Seen:
    sold = sales.sold
    if facts == "dollars":
        sold = replace(sold, units=sold.amounts)
    _, found = rolling.seen(sold, until=until)
    nothing: Floats = found.known[:, :0]
    return Seen(found.purchases, nothing) if facts == "nothing" else found
