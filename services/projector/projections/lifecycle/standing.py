"""Standing: what rules may look at of a customer, as of the last day on which anything happened."""

from itertools import pairwise
from typing import Final

import msgspec

from schemas.rules.lifecycle_tree import KINDS, MOST_IN_WINDOW
from services.projector.projections.lifecycle.activity import Entry
from services.projector.projections.lifecycle.days import NEVER
from services.projector.projections.lifecycle.kinds import BOUGHT

MOST_GAPS: Final = 8
_PLACES: Final = tuple(
    tuple(place for place, _ in enumerate(KINDS) if mask >> place & 1)
    for mask in range(1 << len(KINDS))
)
"""The kinds of each mask."""


class Standing(msgspec.Struct, array_like=True):
    """Sums and the newest days; bounded, however long the customer's life."""

    first: int = NEVER
    """The first day of all."""
    last: list[int] = msgspec.field(default_factory=lambda: [NEVER] * len(KINDS))
    """The newest day of each kind of activity."""
    orders: int = 0
    purchase_days: int = 0
    gap_days: int = 0
    """The median of up to the last 8 gaps between days of purchase; 0 where there is none."""
    bought_on: list[int] = msgspec.field(default_factory=list)
    """The newest days of purchase, in ascending order."""
    bought: list[int] = msgspec.field(default_factory=list)
    """How many orders on each of them."""

    def take(self, entry: Entry) -> None:
        """Take in a day, newer than all before."""
        day, mask, purchases = entry
        self.first = self.first or day
        if purchases > 0:
            mask |= BOUGHT
            self.orders += purchases
            self.purchase_days += 1
            self.bought_on.append(day)
            self.bought.append(purchases)
            self.gap_days = _median_gap(self.bought_on)
        last = self.last
        for place in _PLACES[mask]:
            last[place] = day

    def give_back(self, entry: Entry, last: list[int]) -> None:
        """As before the newest day was taken in, when ``last`` were the days of each kind."""
        self.last = last.copy()
        if entry.purchases > 0:
            self.orders -= entry.purchases
            self.purchase_days -= 1
            del self.bought_on[-1], self.bought[-1]
            self.gap_days = _median_gap(self.bought_on)

    def forget(self) -> None:
        """Let go of purchases that no rule may look at any more."""
        if len(self.bought) > MOST_IN_WINDOW:
            del self.bought_on[0], self.bought[0]

    def since_which(self, number: int, *, days: bool) -> int:
        """The day of the ``number``-th newest order (or day of purchase); never if there is none.

        Exact for numbers up to ``MOST_IN_WINDOW``.
        """
        bought_on = self.bought_on
        if days or self.orders == self.purchase_days:
            return bought_on[-number] if number <= len(bought_on) else NEVER
        for day, purchases in zip(reversed(bought_on), reversed(self.bought), strict=True):
            number -= purchases
            if number <= 0:
                return day
        return NEVER


def _median_gap(days: list[int]) -> int:
    """Half a day counts whole."""
    if len(days) < 2:
        return 0
    gaps = sorted([later - day for day, later in pairwise(days[-MOST_GAPS - 1 :])])
    return (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2] + 1) // 2
