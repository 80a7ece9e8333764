"""RFM: how lately, how often and for how much customers bought, by fifths of all customers.

Recency is whole days since the last day with a purchase, frequency the number of such days,
monetary what was spent on them net of refunds, in one currency. Fifths follow Hughes (1994),
Strategic Database Marketing, chapter 6, except for ties: those with equal values always get the
same fifth, the one in which the middle of them stands, so that no order of rows matters. A fifth
may therefore be larger or smaller than another; where all are equal, all are in the third.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from services.errors import Refused
from services.scoring.model.purchases import Floats, Integers

Tier = Literal["high value", "potential", "ordinary"]

SEGMENTS: Final = (
    ("lost", "lost", "at risk", "at risk", "cannot lose"),
    ("lost", "hibernating", "at risk", "at risk", "cannot lose"),
    ("about to sleep", "about to sleep", "needs attention", "loyal", "loyal"),
    ("promising", "potential loyalists", "potential loyalists", "loyal", "loyal"),
    ("new", "promising", "potential loyalists", "champions", "champions"),
)
"""By fifth of recency (rows, 5 is the latest) and of frequency and monetary together (columns)."""

HIGH_VALUE: Final = frozenset({"champions", "loyal", "cannot lose"})
POTENTIAL: Final = frozenset({"potential loyalists", "promising", "new"})


@dataclass(frozen=True, slots=True)
class Bought:
    """Recency, frequency and monetary of customers, one entry each."""

    recency_days: Integers
    frequency: Integers
    monetary_minor: Integers
    """Net of refunds: negative where more was given back than was paid."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the fifths of a population end: the highest value of each but the last."""

    recency_days: tuple[float, float, float, float]
    """Of the days negated, so that more is better here as well."""
    frequency: tuple[float, float, float, float]
    monetary_minor: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Scores:
    """Fifths from 1 (worst) to 5 (best), one entry a customer."""

    recency: Integers
    frequency: Integers
    monetary: Integers

    def segments(self) -> list[str]:
        """Each customer's segment by name."""
        value = (self.frequency + self.monetary + 1) // 2
        return [
            SEGMENTS[row - 1][column - 1]
            for row, column in zip(self.recency.tolist(), value.tolist(), strict=True)
        ]

    def tiers(self) -> list[Tier]:
        """High value: among the best by what they bought; potential: late, and not yet so."""
        return [tier_of(segment) for segment in self.segments()]


def tier_of(segment: str) -> Tier:
    if segment in HIGH_VALUE:
        return "high value"
    return "potential" if segment in POTENTIAL else "ordinary"


def bought(
    days: npt.ArrayLike, amounts_minor: npt.ArrayLike, *, customers: npt.ArrayLike, at: int
) -> tuple[Integers, Bought]:
    """Who bought by the end of day ``at``, ascending, and their values, from one currency's rows.

    A row with a negative amount is a refund: it lessens what was spent and makes no day. Who has
    nothing but refunds bought nothing and is left out.
    """
    day = np.asarray(days, dtype=np.int64)
    is_seen = day <= at
    who = np.asarray(customers, dtype=np.int64)[is_seen]
    amount = np.asarray(amounts_minor, dtype=np.int64)[is_seen]
    day = day[is_seen]
    is_bought = amount >= 0
    buyers, row = np.unique(who[is_bought], return_inverse=True)
    if not len(buyers):
        return buyers, Bought(buyers, buyers, buyers)
    last = np.full(len(buyers), np.iinfo(np.int64).min)
    np.maximum.at(last, row, day[is_bought])
    order = np.lexsort((day[is_bought], row))
    rows, on = row[order], day[is_bought][order]
    is_new_day = np.append(True, (rows[1:] != rows[:-1]) | (on[1:] != on[:-1]))
    frequency = np.bincount(rows[is_new_day], minlength=len(buyers))
    is_buyer = np.isin(who, buyers)
    monetary = np.zeros(len(buyers), dtype=np.int64)
    np.add.at(monetary, np.searchsorted(buyers, who[is_buyer]), amount[is_buyer])
    return buyers, Bought(at - last, frequency, monetary)


def cuts(population: Bought) -> Cuts:
    """The ends of the fifths of ``population``; raises ``Refused`` where there is nobody."""
    if not len(population.frequency):
        raise Refused("is empty", "score it once somebody has bought", field="population")
    return Cuts(
        _ends(-population.recency_days),
        _ends(population.frequency),
        _ends(population.monetary_minor),
    )


def score(values: Bought, ends: Cuts) -> Scores:
    """Fifths of ``values`` among those whom ``ends`` were cut from: themselves, or others."""
    return Scores(
        _fifth(-values.recency_days, ends.recency_days),
        _fifth(values.frequency, ends.frequency),
        _fifth(values.monetary_minor, ends.monetary_minor),
    )


def _ends(values: Integers) -> tuple[float, float, float, float]:
    distinct, counts = np.unique(values, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    fifth = 1 + np.floor(5 * middle / len(values))
    # A fifth that nobody stands in ends where the one below it does.
    ends = [
        float(distinct[fifth <= one].max()) if (fifth <= one).any() else -np.inf
        for one in range(1, 5)
    ]
    return ends[0], ends[1], ends[2], ends[3]


def _fifth(values: Integers | Floats, ends: tuple[float, ...]) -> Integers:
    return 1 + np.searchsorted(np.asarray(ends), values.astype(np.float64), side="left")
