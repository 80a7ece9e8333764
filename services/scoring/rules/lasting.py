"""Conditions that last: silence, cases that wait."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from schemas.rules.alerts_tree import MOST_RHYTHM_DAYS, Silent, Unanswered
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.life import CANCELLED, CASES, TYPES_OF, Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look
from services.scoring.rules.standing import FOREVER

HOUR_S: Final = 3600


class Missed(NamedTuple):
    """From when until when somebody is missed, whose rhythm is so many days (0: not asked)."""

    last_day: int
    from_day: int
    until_day: int
    rhythm_days: int


def silent(rule: Silent) -> Condition:
    """Nothing for so long; from 00:00 UTC of a day to 00:00 UTC of another."""
    shortest = rule.days or _share(rule.min_days, rule.rhythm_percent or 0)
    ends = TYPES_OF[rule.of] - {CANCELLED}
    fewest = 1 if rule.days or rule.fallback_days else rule.least_days

    def look(life: Life, at_s: int) -> Look:
        missed = _missed(rule, life, at_s)
        if missed is None:
            return Look(holds=False)
        begin_s, end_s = midnight(missed.from_day), midnight(missed.until_day)
        if at_s < begin_s:
            # Who comes often is looked at when the shortest rhythm ends, not whenever they come.
            soon_s = (missed.last_day + shortest) * DAY_S
            return Look(holds=False, due_s=soon_s if at_s < soon_s else begin_s)
        return Look(holds=True, due_s=end_s) if at_s < end_s else Look(holds=False)

    def tell(life: Life, at_s: int) -> Evidence:
        missed = _missed(rule, life, at_s)
        if missed is None:
            return Evidence()
        facts: dict[str, Fact] = {
            "days": at_s // DAY_S - missed.last_day,
            "limit_days": missed.from_day - missed.last_day,
            "last_on": on(missed.last_day * DAY_S),
        }
        if missed.rhythm_days:
            facts["rhythm_days"] = missed.rhythm_days
        last = life.last(TYPES_OF[rule.of] - {CANCELLED}, at_s)
        return Evidence(facts, (last.id,) if last else ())

    def postpones(_: Life, entry: Entry, due_s: int) -> bool:
        return entry[1] in ends and due_s <= (entry.day + shortest) * DAY_S

    return Condition("silent", TYPES_OF[rule.of], look, look, tell, postpones, fewest)


def _missed(rule: Silent, life: Life, at_s: int) -> Missed | None:
    days = life.newest_days(rule.of, at_s, MOST_RHYTHM_DAYS)
    if not days:
        return None
    last = days[-1]
    if rule.days:
        until = last + rule.until_days if rule.until_days else FOREVER // DAY_S
        return Missed(last, last + rule.days, until, 0)
    if len(days) < rule.least_days:
        rhythm = rule.fallback_days
    else:
        rhythm = min(max(median_gap(days), rule.min_days), rule.max_days)
    if rhythm is None:
        return None
    begin = last + _share(rhythm, rule.rhythm_percent or 0)
    end = last + _share(rhythm, rule.until_percent) if rule.until_percent else FOREVER // DAY_S
    return Missed(last, begin, end, rhythm)


def median_gap(days: Sequence[int]) -> int:
    """The median of the gaps between ``days``; half a day counts whole."""
    gaps = sorted(later - day for day, later in pairwise(days))
    return (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2] + 1) // 2


def unanswered(rule: Unanswered) -> Condition:
    """A case waits for so many hours; time alone begins it, an answer ends it."""
    after_s = rule.hours * HOUR_S

    def look(life: Life, at_s: int) -> Look:
        waits = life.waits(rule.kinds, at_s)
        if not waits:
            return Look(holds=False)
        due_s = waits[0].since_s + after_s
        return Look(holds=True) if due_s <= at_s else Look(holds=False, due_s=due_s)

    def tell(life: Life, at_s: int) -> Evidence:
        waits = [one for one in life.waits(rule.kinds, at_s) if one.since_s + after_s <= at_s]
        facts: dict[str, Fact] = {
            "hours": (at_s - waits[0].since_s) // HOUR_S,
            "limit_hours": rule.hours,
            "case": waits[0].case,
            "cases": len(waits),
            "since": on(waits[0].since_s),
        }
        return Evidence(facts, tuple(one.id for one in waits))

    return Condition("unanswered", frozenset(CASES), look, look, tell)


def on(at_s: int) -> str:
    """A time as evidence shows it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _share(days: int, percent: int) -> int:
    """So many per cent of a number of days; a day that began is whole."""
    return -(-days * percent // 100)


def midnight(day: int) -> int:
    """When a day begins; one that never comes begins never."""
    return day * DAY_S if day < FOREVER // DAY_S else FOREVER
