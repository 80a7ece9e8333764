"""Rolling: what was known of customers at earlier instants, and what they then did.

Origins move back through what is known (Tashman 2000, Out-of-sample Tests of Forecasting Accuracy:
an Analysis and Review, section 3); from each one looks as far ahead as there is time behind it, as
one does at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.scoring.model.purchases import Floats, Integers, observe
from services.scoring.model.sharpening import Earlier, Seen

PARTS: Final = (1 / 4, 1 / 3, 1 / 2)
"""Of the time that is known: where one looks from. Chosen on CDNOW's first 39 weeks (the report on
scores says among what), as is that of all facts the units of a day are known."""


@dataclass(frozen=True, slots=True)
class Sold:
    """Purchases, a row each; refunds have a negative amount."""

    customers: Integers
    days: Integers
    amounts: Floats
    units: Floats
    """How many things, less those given back."""


def seen(sold: Sold, *, until: int) -> tuple[Integers, Seen]:
    """Who had bought by the end of a day, ascending, and what was known of them.

    That is, besides their purchases, the log of how many units a day of purchase had (and one).
    """
    found = observe(sold.customers, sold.days, sold.amounts, until=until)
    is_theirs = (sold.days <= until) & np.isin(sold.customers, found.customers)
    at = np.searchsorted(found.customers, sold.customers[is_theirs])
    units = np.bincount(at, sold.units[is_theirs], minlength=len(found.customers))
    a_day = np.maximum(units, 0) / (found.purchases.frequency + 1)
    return found.customers, Seen(found.purchases, np.log1p(a_day)[:, None])


def earlier(sold: Sold, *, until: int, parts: Sequence[float] = PARTS) -> list[Earlier]:
    """What was known at ``parts`` of the time until a day, and what came of it in as much again.

    Parts are at most a half, so that nothing after that day is looked at. An instant at which there
    was no time behind yet is left out.
    """
    if not len(sold.days):
        return []
    before = int(sold.days.min()) - 1
    found = []
    for part in parts:
        length = int((until - before) * min(part, 1 / 2))
        if length > 0:
            at = before + length
            who, known = seen(sold, until=at)
            happened = days_bought(sold, who, after=at, until=at + length)
            found.append(Earlier(known, happened, length / 7))
    return found


def days_bought(sold: Sold, customers: Integers, *, after: int, until: int) -> Floats:
    """On how many days each of ``customers``, ascending, bought after a day and until another."""
    is_in = (sold.days > after) & (sold.days <= until) & (sold.amounts >= 0)
    pairs = np.unique(np.stack([sold.customers[is_in], sold.days[is_in]]), axis=1)
    who, counts = np.unique(pairs[0], return_counts=True)
    found = np.zeros(len(customers))
    _, at, theirs = np.intersect1d(customers, who, return_indices=True)
    found[at] = counts[theirs]
    return found
