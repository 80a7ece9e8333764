"""Spending: what a history tells of buying, in one currency, as RFM and the models of buying ask.

An order counts once, as it was reported first, and not at all once it was cancelled. A refund
lessens what was spent on its day; above all purchases it makes the sum negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.scoring.model.history import DAY_S, Entry

DAYS_OF_A_WEEK = 7


@dataclass(frozen=True, slots=True, order=True)
class Spending:
    """Of somebody who bought at least once; days since 1970, money in minor units."""

    days: tuple[int, ...]
    """With a purchase, ascending, each once."""
    monetary_minor: int
    """Of all days, net of refunds."""
    later_minor: int
    """Of the days after the first, net of refunds."""

    @property
    def repeats(self) -> int:
        """x: days with a purchase after the first of them."""
        return len(self.days) - 1

    @property
    def recency_weeks(self) -> float:
        """t_x: from the first day to the last."""
        return (self.days[-1] - self.days[0]) / DAYS_OF_A_WEEK

    def age_weeks(self, day: int) -> float:
        """T: from the first day to ``day``."""
        return (day - self.days[0]) / DAYS_OF_A_WEEK

    @property
    def mean_minor(self) -> float:
        """Of a repeat day; 0 where there was none."""
        return self.later_minor / self.repeats if self.repeats else 0.0


def spending(history: Sequence[Entry], currency: str) -> Spending | None:
    """What was bought by ``history``, in time order; None where nothing was."""
    rows = movements(history, currency)
    days = sorted({day for day, amount in rows if amount >= 0})
    if not days:
        return None
    return Spending(
        tuple(days),
        sum(amount for _, amount in rows),
        sum(amount for day, amount in rows if day > days[0]),
    )


def movements(history: Sequence[Entry], currency: str) -> list[tuple[int, int]]:
    """Day and amount of each purchase, and of each refund as a negative one."""
    told = [entry for entry in history if entry[1] in _KINDS]
    orders: dict[str, Entry] = {}
    for entry in told:
        if entry[1] == _BOUGHT:
            orders.setdefault(entry.about, entry)
    cancelled = {entry.about for entry in told if entry[1] == _CANCELLED}
    return [
        *(
            (entry.at_s // DAY_S, int(entry.value))
            for entry in orders.values()
            if entry.unit == currency and entry.about not in cancelled
        ),
        *(
            (entry.at_s // DAY_S, -int(entry.value))
            for entry in told
            if entry[1] == _BACK
            and entry.unit == currency
            and entry.value
            and entry.about not in cancelled
        ),
    ]


_BOUGHT, _BACK, _CANCELLED = "purchase.completed", "purchase.refunded", "purchase.cancelled"
_KINDS = frozenset({_BOUGHT, _BACK, _CANCELLED})
