"""Purchases: how often, how lately and for how long customers bought, one row each.

What the models of buying need to know of a customer and no more (Fader, Hardie, Lee 2005,
"Counting Your Customers" the Easy Way, section 3.1): ``(x, t_x, T)``.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from services.errors import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


def dot(a: Floats, b: Floats) -> float:
    """The sum of products, on this thread.

    ``a @ b`` of long vectors wakes BLAS's threads, which spin: on a busy machine of two cores a fit
    of 100,000 customers took fifteen times the processor that it needs.
    """
    return float(np.einsum("i,i->", a, b))


MANY: Final = 20_000
"""Distinct histories above which a fit begins where that of so many customers ended."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """One entry a customer, all three of one length, in one unit of time (weeks here)."""

    frequency: Floats
    """x: days with a purchase, after the first of them."""
    recency: Floats
    """t_x: from the first purchase to the last; 0 where there was one."""
    age: Floats
    """T: from the first purchase to the end of what was observed."""

    def __post_init__(self) -> None:
        """Refuse what no history can be, naming the first customer that is wrong."""
        x, t_x, age = self.frequency, self.recency, self.age
        if not x.shape == t_x.shape == age.shape or x.ndim != 1:
            raise Refused(
                f"shapes {x.shape}, {t_x.shape} and {age.shape} differ",
                "give one entry a customer",
                field="purchases",
            )
        is_right = (
            np.isfinite(x + t_x + age)
            & (x >= 0)
            & (t_x >= 0)
            & (t_x <= age)
            & ((x > 0) | (t_x == 0))
        )
        if not is_right.all():
            at = int(np.argmin(is_right))
            raise Refused(
                f"x {x[at]:g}, t_x {t_x[at]:g}, T {age[at]:g} is no history",
                "x must be at least 0, t_x from 0 (when x is 0) to T",
                field=f"purchases.{at}",
            )

    @classmethod
    def of(cls, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Self:
        """From anything that can be made an array of floats, a single number too."""
        x, t_x, ages = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (frequency, recency, age))
        )
        return cls(x, t_x, ages)

    def __len__(self) -> int:
        return len(self.frequency)

    def counted(self) -> tuple["Purchases", Floats]:
        """The distinct histories, and how many customers have each.

        Days make many customers alike, above all those who bought once: a likelihood has to be
        worked out once for all of them.
        """
        if not len(self):
            return self, np.zeros(0)
        order = np.lexsort((self.age, self.recency, self.frequency))
        rows = [column[order] for column in (self.frequency, self.recency, self.age)]
        is_new = np.ones(len(self), dtype=bool)
        is_new[1:] = np.logical_or.reduce([row[1:] != row[:-1] for row in rows])
        begins = np.flatnonzero(is_new)
        counts = np.diff(np.append(begins, len(self))).astype(np.float64)
        return Purchases(*(row[begins] for row in rows)), counts

    def thinned(self, customers: int) -> "Purchases":
        """At most so many of them, evenly spread over all."""
        step = max(-(-len(self) // customers), 1)
        return Purchases(self.frequency[::step], self.recency[::step], self.age[::step])


@dataclass(frozen=True, slots=True)
class Observed:
    """Purchases as observed until a day, and what was spent on the repeated ones."""

    customers: Integers
    """Who, ascending: the rows of everything else."""
    purchases: Purchases
    spend: Floats
    """Mean net amount of a repeat day; 0 where there was none."""


def observe(
    customers: npt.ArrayLike, days: npt.ArrayLike, amounts: npt.ArrayLike, *, until: int
) -> Observed:
    """What buyers had done by the end of day ``until``, in weeks: later rows are not looked at.

    A row is a purchase, or a refund where its amount is negative; days are whole numbers. All of a
    customer's rows of one day are one purchase, as in the papers; a day with refunds only is none,
    but its amount lessens what was spent. The first day counts neither as a repetition nor, with
    its amount, towards ``spend``, since it is what made the customer one.
    """
    who = np.asarray(customers, dtype=np.int64)
    day = np.asarray(days, dtype=np.int64)
    amount = np.asarray(amounts, dtype=np.float64)
    is_seen = day <= until
    who, day, amount = who[is_seen], day[is_seen], amount[is_seen]
    is_bought = amount >= 0
    buyers = np.unique(who[is_bought])
    if not len(buyers):
        return Observed(buyers, Purchases.of([], [], []), np.zeros(0))
    base = int(day.min())
    span = until - base + 1
    bought = np.unique(who[is_bought] * span + (day[is_bought] - base))
    row = np.searchsorted(buyers, bought // span)
    on = bought % span
    begins = np.searchsorted(row, np.arange(len(buyers)))
    first, last = on[begins], on[np.append(begins[1:], len(on)) - 1]
    repeats = np.bincount(row, minlength=len(buyers)).astype(np.float64) - 1
    is_known = np.isin(who, buyers)
    at = np.searchsorted(buyers, who[is_known])
    is_later = day[is_known] - base > first[at]
    net = np.zeros(len(buyers))
    np.add.at(net, at[is_later], amount[is_known][is_later])
    spend = np.divide(net, repeats, out=np.zeros_like(net), where=repeats > 0)
    weeks = Purchases.of(repeats, (last - first) / 7, (until - base - first) / 7)
    return Observed(buyers, weeks, spend)
