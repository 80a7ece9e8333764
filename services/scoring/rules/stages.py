"""Stages and tiers in rules: where decisions have put a customer, and where newcomers are untold.

A decision counts from the second after its cause on: whoever buys and is won back by it was at risk
when they bought. Of those that count by then the one taken last does, since that is what the
customer's row says: a cause that was told late may be older than that of the decision before. Both
times are recorded with the decision, so no order of arrival changes what is found.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.rules.alerts_tree import Alert, Who
from services.scoring.model.history import Entry
from services.scoring.rules.life import Life

STAGE: Final = "stage"
"""An entry's type: its unit is the stage of the machine ``default``, its value when it was decided,
in microseconds since 1970."""
TIER: Final = "tier"
"""The same of the programme; no unit is no tier."""
JOINS: Final = frozenset(
    {"purchase.completed", "feedback.given", "reward.granted", "points.redeemed"}
)
"""What lets the programme know of a customer, who is in no tier before."""


class Newcomers(NamedTuple):
    """Where those are of whom nothing was decided: that is told of nobody."""

    stage: str | None = None
    tier: str | None = None


class Eras:
    """Newcomers' stage and tier, each from an instant on."""

    def __init__(self, eras: Sequence[tuple[int, Newcomers]] = ()) -> None:
        ordered = sorted(eras)
        self.starts = [start for start, _ in ordered]
        self._newcomers = [one for _, one in ordered]

    def at(self, at_s: int) -> Newcomers:
        """Those of the policies that rule at ``at_s``."""
        place = bisect_right(self.starts, at_s) - 1
        return self._newcomers[place] if place >= 0 else Newcomers()


NOWHERE: Final = Eras()


def asks_decisions(rule: Alert) -> bool:
    """Whether it looks at stages or tiers."""
    return bool(rule.who.stages or rule.who.tiers)


def types_of(who: Who, newcomers: Newcomers) -> frozenset[str]:
    """The types of entries that may change whether somebody is where ``who`` asks."""
    types = {STAGE} if who.stages else set()
    if who.tiers:
        types |= {TIER} | (JOINS if newcomers.tier in who.tiers else set())
    return frozenset(types)


def is_there(who: Who, newcomers: Newcomers, life: Life, at_s: int) -> bool:
    """Whether a customer is in one of the stages, and in one of the tiers, that ``who`` names."""
    if who.stages:
        decided = life.decided(STAGE, at_s)
        if (decided.unit if decided else newcomers.stage) not in who.stages:
            return False
    if who.tiers:
        decided = life.decided(TIER, at_s)
        if (decided.unit if decided else _untold(newcomers, life, at_s)) not in who.tiers:
            return False
    return True


def _untold(newcomers: Newcomers, life: Life, at_s: int) -> str | None:
    return newcomers.tier if life.last(JOINS, at_s) else None


def placed(type_: str, caused_s: int, taken_us: int, unit: str) -> Entry:
    """What is kept of a decision of ``taken_us`` whose cause was at ``caused_s``."""
    return Entry(caused_s + 1, type_, "", "", "", float(taken_us), unit)
