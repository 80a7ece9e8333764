"""Days: what happened, laid out by day so that any stretch of it is added up at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.scoring.model.history import DAY_S


class Row(NamedTuple):
    """What counts on a day, from an instant of it on."""

    at_s: int
    value: int
    is_order: bool = True


@dataclass(slots=True)
class Laid:
    """Rows in time order; each list of sums has one number more than there are rows."""

    unit: str = ""
    """Of all values."""
    is_mixed: bool = False
    """Whether there were values in others, which are left out."""
    ats: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0])
    """Of the values of all rows before."""
    gains: list[int] = field(default_factory=lambda: [0])
    """Days with a value above zero before; right from the first row of any day on."""
    orders: list[int] = field(default_factory=lambda: [0])
    losses: list[int] = field(default_factory=lambda: [0])
    """Rows before that are no gain."""

    @classmethod
    def of(cls, rows: Iterable[Row], unit: str = "", *, is_mixed: bool = False) -> "Laid":
        """From rows in time order."""
        laid, last = cls(unit, is_mixed), -1
        for at_s, value, is_order in rows:
            day, is_gain = at_s // DAY_S, value > 0
            laid.ats.append(at_s)
            laid.days.append(day)
            laid.sums.append(laid.sums[-1] + value)
            laid.gains.append(laid.gains[-1] + (is_gain and day != last))
            laid.orders.append(laid.orders[-1] + is_order)
            laid.losses.append(laid.losses[-1] + (not is_gain))
            last = day if is_gain else last
        return laid

    def stretch(self, first: int, split: int, at_s: int) -> "Stretch":
        """The rows after day ``first`` and until ``at_s``: those up to ``split``, and later ones.

        Without an order none of them counts.
        """
        end = bisect_right(self.ats, at_s)
        begin = bisect_right(self.days, first, 0, end)
        if self.orders[end] == self.orders[begin]:
            return Stretch(self, end, end, end)
        return Stretch(self, begin, bisect_right(self.days, split, begin, end), end)


class Stretch(NamedTuple):
    """Some rows in two parts, the older first."""

    laid: Laid
    begin: int
    split: int
    end: int

    @property
    def has_any(self) -> bool:
        return self.begin < self.end

    @property
    def has_losses(self) -> bool:
        return self.laid.losses[self.begin] < self.laid.losses[self.end]

    @property
    def before(self) -> int:
        """What the older part comes to."""
        return self.laid.sums[self.split] - self.laid.sums[self.begin]

    @property
    def recent(self) -> int:
        """What the newer part comes to."""
        return self.laid.sums[self.end] - self.laid.sums[self.split]

    @property
    def days_before(self) -> int:
        """Days of the older part with a gain."""
        return self.laid.gains[self.split] - self.laid.gains[self.begin]

    @property
    def days_in_all(self) -> int:
        return self.laid.gains[self.end] - self.laid.gains[self.begin]

    def oldest(self) -> tuple[int | None, int | None]:
        """The first days of both parts."""
        days = self.laid.days
        return (
            days[self.begin] if self.begin < self.split else None,
            days[self.split] if self.split < self.end else None,
        )

    def day_that_leaves(self, most: int) -> int | None:
        """The day of the newer part with which ``most`` of it is left, or less; None for never."""
        place = bisect_left(
            self.laid.sums, self.laid.sums[self.end] - most, self.split + 1, self.end + 1
        )
        return self.laid.days[place - 1] if place <= self.end else None


NOTHING: Final = Laid()
