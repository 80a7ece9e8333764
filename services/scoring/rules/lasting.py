"""Conditions that last: silence, trends, cases that wait, scores."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from schemas.rules.alerts_tree import MOST_RHYTHM_DAYS, Crossed, Falling, Silent, Unanswered
from services.scoring.model.features import VISITS
from services.scoring.model.history import DAY_S
from services.scoring.rules.life import BOUGHT, CANCELLED, CASES, REFUNDED, TYPES_OF, Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look
from services.scoring.rules.standing import FOREVER

HOUR_S: Final = 3600
_FALLING_TYPES: Final = {
    "spend": frozenset({BOUGHT, CANCELLED, REFUNDED}),
    "purchases": frozenset({BOUGHT, CANCELLED}),
    "visits": VISITS,
}


class Missed(NamedTuple):
    """From when until when somebody is missed, whose rhythm is so many days (0: not asked)."""

    last_day: int
    from_day: int
    until_day: int
    rhythm_days: int


class Fallen(NamedTuple):
    """What there was in the last days and in those before, and the next day that changes it."""

    recent: int
    before: int
    days_before: int
    due_day: int
    unit: str = ""


def silent(rule: Silent) -> Condition:
    """Nothing for so long; from 00:00 UTC of a day to 00:00 UTC of another."""

    def look(life: Life, at_s: int) -> Look:
        missed = _missed(rule, life, at_s)
        if missed is None:
            return Look(holds=False)
        begin_s, end_s = missed.from_day * DAY_S, missed.until_day * DAY_S
        if at_s < begin_s:
            return Look(holds=False, due_s=begin_s)
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

    return Condition("silent", TYPES_OF[rule.of], look, look, tell)


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


def falling(rule: Falling) -> Condition:
    """Less in the last days than before them; changes when a day ends, or by what happens."""
    recent_days, before_days = rule.recent_days, rule.before_days

    def percent(fallen: Fallen) -> int:
        """Rounded up, so that 50.1 is not half."""
        return -(-100 * fallen.recent * before_days // (fallen.before * recent_days))

    def enters(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_habit = fallen.before >= rule.minimum and fallen.days_before >= rule.least_days
        has_fallen = is_habit and percent(fallen) <= rule.enters_at_percent
        return Look(has_fallen, fallen.due_day * DAY_S)

    def stays(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_less = fallen.before > 0 and percent(fallen) < rule.leaves_at_percent
        return Look(is_less, fallen.due_day * DAY_S)

    def tell(life: Life, at_s: int) -> Evidence:
        fallen = _fallen(rule, life, at_s)
        facts: dict[str, Fact] = {
            "recent": fallen.recent,
            "before": fallen.before,
            "percent": percent(fallen),
            "enters_at_percent": rule.enters_at_percent,
        }
        if fallen.unit:
            facts["currency"] = fallen.unit
        since_s = (at_s // DAY_S - recent_days + 1) * DAY_S - 1
        found = life.within(_FALLING_TYPES[rule.of], since_s, at_s)
        return Evidence(facts, tuple(entry.id for entry in found))

    return Condition(f"falling_{rule.of}", _FALLING_TYPES[rule.of], enters, stays, tell)


def _fallen(rule: Falling, life: Life, at_s: int) -> Fallen:
    today = at_s // DAY_S
    split, first = today - rule.recent_days, today - rule.recent_days - rule.before_days
    unit = ""
    if rule.of == "spend":
        rows, unit = _spent(life, (first + 1) * DAY_S - 1, at_s)
    else:
        span = rule.recent_days + rule.before_days
        newest = life.newest_days("visits" if rule.of == "visits" else "purchases", at_s, span)
        rows = [(day, 1) for day in newest if day > first]
    recent = sum(value for day, value in rows if day > split)
    before = sum(value for day, value in rows if day <= split)
    # The next day to come is that on which the oldest of either part leaves it.
    leaves = [day + rule.recent_days for day, _ in rows if day > split]
    leaves += [day + rule.recent_days + rule.before_days for day, _ in rows if day <= split]
    due_day = min(leaves, default=FOREVER // DAY_S)
    days_before = len({day for day, value in rows if value > 0 and day <= split})
    return Fallen(max(recent, 0), before, days_before, due_day, unit)


def _spent(life: Life, since_s: int, at_s: int) -> tuple[list[tuple[int, int]], str]:
    """By day, what was paid and given back in the currency of most orders of that time."""
    orders = life.orders(since_s, at_s)
    units = [order.unit for order in orders]
    unit = max(sorted(set(units)), key=units.count, default="")
    rows = [(order.at_s // DAY_S, order.value) for order in orders if order.unit == unit]
    back = life.within((REFUNDED,), since_s, at_s)
    return rows + [(one.day, -int(one.value)) for one in back if one.unit == unit], unit


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


def score(rule: Crossed) -> Condition:
    """A score beyond where it enters, and until it is back where it leaves."""
    enters, leaves, name = rule.enters_at, rule.leaves_at, rule.name
    is_rising = enters > leaves

    def is_beyond(value: float | None, threshold: float) -> bool:
        return value is not None and (value > threshold if is_rising else value < threshold)

    def begins(life: Life, at_s: int) -> Look:
        standing = life.standing(at_s)
        value = standing.scores.get(name)
        return Look(value == enters or is_beyond(value, enters), standing.due_s)

    def stays(life: Life, at_s: int) -> Look:
        standing = life.standing(at_s)
        return Look(is_beyond(standing.scores.get(name), leaves), standing.due_s)

    def tell(life: Life, at_s: int) -> Evidence:
        value = life.standing(at_s).scores[name]
        facts: dict[str, Fact] = {
            name: round(value, 6), "enters_at": enters, "leaves_at": leaves
        }  # fmt: skip
        return Evidence(facts)

    return Condition("score", None, begins, stays, tell)


def on(at_s: int) -> str:
    """A time as evidence shows it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _share(days: int, percent: int) -> int:
    """So many per cent of a number of days; a day that began is whole."""
    return -(-days * percent // 100)
