"""Customer lifetime value: the margin on what a customer will still buy, discounted to today."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from services.errors import Refused
from services.scoring.model.purchases import Floats

Expected: TypeAlias = Callable[[float], Floats]
"""Purchases that each customer is expected to make in so many weeks from now."""

WEEKS_OF_A_YEAR = 365.25 / 7


@dataclass(frozen=True, slots=True)
class Terms:
    """How a purchase to come is valued today."""

    weeks: int = 52
    """How far ahead."""
    discount_a_year: float = 0.1
    """What money costs: 0.1 is ten per cent."""
    margin: float = 1.0
    """What remains of an amount: 1 gives lifetime revenue."""

    def __post_init__(self) -> None:
        """Refuse terms that have no value."""
        if self.weeks < 1:
            raise Refused("is no horizon", "look at least a week ahead", field="weeks")
        if not (self.discount_a_year > -1 and np.isfinite(self.discount_a_year)):
            raise Refused("is no rate", "0.1 is ten per cent a year", field="discount_a_year")
        if not 0 <= self.margin <= 1:
            raise Refused("is no share", "give one from 0 to 1", field="margin")


def lifetime_value(expected: Expected, spend: Floats, terms: Terms) -> Floats:
    """CLV over ``terms.weeks``, in the unit of ``spend``, each week's purchases paid at its end.

    Fader, Hardie, Lee (2005), RFM and CLV, equation 1, with their continuous discounted expected
    transactions (equation 2) summed by weeks, as Fader and Hardie's own spreadsheets do. Buying and
    amounts are independent in both models, so that they multiply.
    """
    weekly = (1 + terms.discount_a_year) ** (1 / WEEKS_OF_A_YEAR)
    discounted, before = np.zeros_like(spend), np.zeros_like(spend)
    for week in range(1, terms.weeks + 1):
        until = expected(float(week))
        discounted += (until - before) / weekly**week
        before = until
    return np.asarray(terms.margin * spend * discounted)
