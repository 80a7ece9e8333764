"""Leaving: when a customer is said to have left, and whether one did after an alert.

Nobody says when they leave a shop. The definition here, which every figure of a rule rests on: a
customer left with the last purchase before a silence of at least ``days`` and of so many of their
own rhythms (whichever is longer). It is a fact when that silence has lasted: *declared*. A later
purchase does not undo it: who comes back after that had left. Days are days in UTC, cancelled
orders do not count, as in the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from schemas.rules.alerts_tree import MOST_RHYTHM_DAYS
from services.errors import Refused
from services.scoring.model.history import DAY_S
from services.scoring.rules.lasting import median_gap
from services.scoring.rules.life import Life

Outcome: TypeAlias = Literal["left", "stayed", "gone", "unknown"]
"""Left within the horizon after the alert; stayed; gone: had left before it, so that it came too
late; unknown: too little is known yet, or they never bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What counts as having left."""

    days: int = 90
    """A silence of so many days at least."""
    rhythm_percent: int = 300
    """And of so much of the customer's rhythm, where they have one: 300 is three times."""
    horizon_days: int = 90
    """An alert is right if the last purchase is at most so many days after it."""

    @property
    def horizon_s(self) -> int:
        """The horizon in seconds."""
        return self.horizon_days * DAY_S

    def __post_init__(self) -> None:
        """Refuse a definition by which nobody could stay."""
        for name, least in (("days", 1), ("rhythm_percent", 0), ("horizon_days", 0)):
            value = getattr(self, name)
            if value < least:
                remedy = f"give {least} or more"
                raise Refused("is too small", remedy, field=f"left.{name}", value=value)


class Departure(NamedTuple):
    """Somebody left."""

    last_day: int
    """Of their last purchase before the silence."""
    declared_s: int
    """When the silence had lasted long enough to be sure."""


@dataclass(frozen=True, slots=True)
class Purchased:
    """A customer's days of purchase as they are known, with those after which they left."""

    days: Sequence[int]
    departures: Sequence[Departure]
    known_until_s: int
    left: Leaving

    def departure_after(self, at_s: int) -> Departure | None:
        """The one that an alert at ``at_s`` foretells, if any."""
        last_day = at_s // DAY_S + self.left.horizon_days
        for found in self.departures:
            if found.declared_s > at_s and found.last_day <= last_day:
                return found
        return None

    def outcome(self, at_s: int) -> Outcome:
        """What became of the customer after an alert at ``at_s``."""
        bought = [day for day in self.days if day <= at_s // DAY_S]
        if not bought:
            return "unknown"
        if any(one.last_day == bought[-1] and one.declared_s <= at_s for one in self.departures):
            return "gone"
        if self.departure_after(at_s):
            return "left"
        # Who bought after the horizon, and had not left by then, was a customer to the end of it.
        horizon = at_s // DAY_S + self.left.horizon_days
        return "stayed" if self.days[-1] > horizon else "unknown"

    def next_look_s(self, raised_s: int) -> int | None:
        """When more may be known of an alert's outcome by time alone; None for never."""
        if not self.days:
            return None
        sure_s = (self.days[-1] + _limit(self.days, self.left) + 1) * DAY_S
        over_s = (raised_s // DAY_S + self.left.horizon_days + 2) * DAY_S
        return min((at_s for at_s in (sure_s, over_s) if at_s > self.known_until_s), default=None)


def purchased(life: Life, left: Leaving, known_until_s: int) -> Purchased:
    """A customer's days of purchase until ``known_until_s``, and after which of them they left."""
    days = life.newest_days("purchases", known_until_s, len(life.entries))
    found = []
    for place, (day, following) in enumerate(pairwise([*days, None])):
        if day is None:
            continue
        limit = _limit(days[: place + 1], left)
        declared_s = (day + limit + 1) * DAY_S
        is_silent = following is None or following > day + limit
        if is_silent and declared_s <= known_until_s:
            found.append(Departure(day, declared_s))
    return Purchased(days, found, known_until_s, left)


def _limit(days: Sequence[int], left: Leaving) -> int:
    """Days of silence after the last of ``days`` by which a customer has left."""
    newest = days[-MOST_RHYTHM_DAYS:]
    rhythm = median_gap(newest) if len(newest) > 1 else 0
    return max(left.days, -(-rhythm * left.rhythm_percent // 100))


def outcome(life: Life, raised_s: int, left: Leaving, known_until_s: int) -> Outcome:
    """What became of the customer after an alert at ``raised_s``, as far as it is known."""
    return purchased(life, left, known_until_s).outcome(raised_s)
