"""Stages lived through day by day: what holds is found by looking at all days, slow and plain."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import NamedTuple, TypeAlias

from schemas.rules.lifecycle_tree import (
    Active,
    Kind,
    Lifecycle,
    Purchases,
    Returned,
    Rhythm,
    Silent,
    Stage,
)
from services.projector.projections.lifecycle import Entry
from services.projector.projections.lifecycle.book import Versions
from services.projector.projections.lifecycle.days import start_of
from tests.lives import BITS

EVER = 10**6
Rule: TypeAlias = Purchases | Active | Silent | Returned


class Seen(NamedTuple):
    """What is known of a customer when a question about a day is asked."""

    entries: Sequence[Entry]
    day: int
    rhythm: Rhythm
    returns: Mapping[str, tuple[int, int]]
    """By the stage that was left: on what day, and how many orders there had been before."""

    def days(self, kinds: Iterable[Kind]) -> list[int]:
        """The days with any of these kinds of activity."""
        return [
            day
            for day, mask, purchases in self.entries
            if any(mask & BITS[kind] for kind in kinds) or ("bought" in kinds and purchases)
        ]

    def rhythm_days(self) -> int:
        """The customer's own rhythm within its bounds."""
        days = self.days(["bought"])[-9:]
        gaps = [later - day for day, later in pairwise(days)]
        if not gaps:
            return self.rhythm.fallback_days
        own = int(median(gaps) + 0.5)
        return min(max(own, self.rhythm.min_days), self.rhythm.max_days)

    def length(self, days: int | None, percent: int | None) -> int:
        """So many days, or so many per cent of the rhythm."""
        if percent:
            whole, rest = divmod(self.rhythm_days() * percent, 100)
            return whole + bool(rest)
        return days or EVER


def holds(rule: Rule, seen: Seen) -> bool:
    """Whether a condition holds."""
    match rule:
        case Purchases():
            since = seen.day - (rule.within_days or EVER)
            counted = [
                one.purchases if rule.counted == "orders" else 1
                for one in seen.entries
                if one.purchases and one.day > since
            ]
            count = sum(counted)
            most = count if rule.at_most is None else rule.at_most
            return (rule.at_least or 0) <= count <= most
        case Active():
            days = seen.days(rule.kinds)
            if rule.after_purchase:
                last = max(seen.days(["bought"]), default=0)
                days = [day for day in days if day > last]
            length = seen.length(rule.within_days, rule.within_rhythm_percent)
            return any(day > seen.day - length for day in days)
        case Silent():
            last = max(seen.days(rule.kinds), default=seen.entries[0].day)
            return seen.day - last >= seen.length(rule.days, rule.rhythm_percent)
        case Returned():
            if rule.after not in seen.returns:
                return False
            on, before = seen.returns[rule.after]
            orders = sum(one.purchases for one in seen.entries) - before
            is_recent = rule.within_days is None or seen.day - on < rule.within_days
            return is_recent and (rule.at_most_orders is None or orders <= rule.at_most_orders)


def all_hold(stage: Stage, seen: Seen) -> bool:
    """Whether all conditions of a stage hold."""
    returned = (stage.returned,) if stage.returned else ()
    conditions = (*stage.purchases, *stage.active, *stage.silent, *returned)
    return all(holds(one, seen) for one in conditions)


def stage_of(rules: Lifecycle, seen: Seen) -> str:
    """The name of the first stage whose conditions hold."""
    return next(stage.name for stage in rules.stages if all_hold(stage, seen))


def lived(entries: Sequence[Entry], versions: Versions, until: int) -> list[tuple[int, str]]:
    """The moves of one machine, every day asked about twice: as it begins, and as it ends."""
    moves: list[tuple[int, str]] = []
    returns: dict[str, tuple[int, int]] = {}
    by_day = {one.day: one for one in entries}
    for day in range(entries[0].day, until + 1) if entries else ():
        rules = in_force(versions, day)
        if rules is None:
            continue
        known = [one for one in entries if one.day < day]
        if known:
            _move(moves, day, stage_of(rules, Seen(known, day, rules.rhythm, returns)))
        if day in by_day:
            asked = {stage.returned.after for stage in rules.stages if stage.returned}
            if by_day[day].purchases and known and moves[-1][1] in asked:
                returns[moves[-1][1]] = day, sum(one.purchases for one in known)
            known.append(by_day[day])
            _move(moves, day, stage_of(rules, Seen(known, day, rules.rhythm, returns)))
    return moves


def in_force(versions: Versions, day: int) -> Lifecycle | None:
    """The rules of a day: of those effective as it begins, the latest."""
    begun = [
        (effective_at or datetime.min.replace(tzinfo=UTC), number, rules)
        for effective_at, number, rules in versions
        if effective_at is None or effective_at <= start_of(day)
    ]
    return max(begun, key=lambda one: one[:2])[2] if begun else None


def _move(moves: list[tuple[int, str]], day: int, stage: str) -> None:
    if not moves or moves[-1][1] != stage:
        moves.append((day, stage))
