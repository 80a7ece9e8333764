"""Conditions that last: silence, trends, cases that wait."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from schemas.rules.alerts_tree import (
    MOST_RHYTHM_DAYS,
    Falling,
    Of,
    Silent,
    Unanswered,
)
from services.scoring.model.features import VISITS
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.life import BOUGHT, CANCELLED, CASES, REFUNDED, TYPES_OF, Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look
from services.scoring.rules.standing import FOREVER

HOUR_S: Final = 3600
_NEVER: Final = FOREVER // DAY_S
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
    """What there was in the last days and in those before."""

    rows: Sequence[tuple[int, int]]
    """By day, in order."""
    recent: int
    before: int
    days_before: int
    split: int
    """The last day of those before."""
    unit: str = ""
    is_mixed: bool = False
    """Whether there are other currencies."""


def silent(rule: Silent) -> Condition:
    """Nothing for so long; from 00:00 UTC of a day to 00:00 UTC of another."""
    shortest = rule.days or _share(rule.min_days, rule.rhythm_percent or 0)
    ends = TYPES_OF[rule.of] - {CANCELLED}
    fewest = 1 if rule.days or rule.fallback_days else rule.least_days

    def look(life: Life, at_s: int) -> Look:
        missed = _missed(rule, life, at_s)
        if missed is None:
            return Look(holds=False)
        begin_s, end_s = _midnight(missed.from_day), _midnight(missed.until_day)
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


def falling(rule: Falling) -> Condition:
    """Less in the last days than before them; changes when a day ends, or by what happens."""
    recent_days, before_days = rule.recent_days, rule.before_days

    def percent(fallen: Fallen) -> int:
        """Rounded up, so that 50.1 is not half."""
        return -(-100 * fallen.recent * before_days // (fallen.before * recent_days))

    def enters(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_habit = fallen.before >= rule.minimum and fallen.days_before >= rule.least_days
        if is_habit and percent(fallen) <= rule.enters_at_percent:
            return Look(holds=True, due_s=_midnight(_changes_day(rule, fallen)))
        return Look(holds=False, due_s=_midnight(_may_fall_day(rule, fallen)))

    def stays(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_less = fallen.before > 0 and percent(fallen) < rule.leaves_at_percent
        return Look(is_less, _midnight(_changes_day(rule, fallen)) if is_less else FOREVER)

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

    # More now is more before by no more than its share: it has to become quieter, and later.
    is_less = rule.enters_at_percent * recent_days < 100 * before_days
    more = _FALLING_TYPES[rule.of] - {CANCELLED, REFUNDED} if is_less else frozenset()

    # What was looked at last is due within that time, and looked back as long.
    span_s = (recent_days + before_days) * DAY_S

    def postpones(life: Life, entry: Entry, _: int) -> bool:
        return entry[1] in more and (
            rule.of != "spend" or life.has_one_currency(entry.at_s - 2 * span_s, entry.at_s)
        )

    types = _FALLING_TYPES[rule.of]
    fewest = rule.least_days if rule.of == "spend" else max(rule.least_days, rule.minimum)
    return Condition(f"falling_{rule.of}", types, enters, stays, tell, postpones, fewest)


def _fallen(rule: Falling, life: Life, at_s: int) -> Fallen:
    today = at_s // DAY_S
    split, first = today - rule.recent_days, today - rule.recent_days - rule.before_days
    rows, units = _rows(rule, life, first, at_s)
    unit, is_mixed = (units[0], len(units) > 1) if units else ("", False)
    place = bisect_right(rows, (split, FOREVER))
    old = rows[:place]
    recent = sum([row[1] for row in rows[place:]])
    days_before = len({day for day, value in old if value > 0})
    before = sum([row[1] for row in old])
    return Fallen(rows, max(recent, 0), before, days_before, split, unit, is_mixed)


def _rows(
    rule: Falling, life: Life, first: int, at_s: int
) -> tuple[list[tuple[int, int]], Sequence[str]]:  # fmt: skip
    """What there was after the day ``first``, by day and in order, and in which currencies."""
    if rule.of == "spend":
        return _spent(life, (first + 1) * DAY_S - 1, at_s)
    span = rule.recent_days + rule.before_days
    of: Of = "visits" if rule.of == "visits" else "purchases"
    return [(day, 1) for day in life.newest_days(of, at_s, span, first)], ()


def _changes_day(rule: Falling, fallen: Fallen) -> int:
    """The next day to come on which the oldest of either part leaves it."""
    span = rule.recent_days + rule.before_days
    leaves = [
        day + (rule.recent_days if day > fallen.split else span) for day, _ in fallen.rows
    ]  # fmt: skip
    return min(leaves, default=_NEVER)


def _may_fall_day(rule: Falling, fallen: Fallen) -> int:
    """No sooner than then may it have fallen by time alone.

    What leaves the last days may add to those before, and nothing else does: so there will never be
    more before than there is in all. Refunds aside, which may be older than what they gave back,
    and currencies of which another may become the most used.
    """
    gains = [row for row in fallen.rows if row[1] > 0]
    total = sum([row[1] for row in gains])
    if total < rule.minimum or len({day for day, _ in gains}) < rule.least_days:
        # What is bought from now on is before no sooner than it has left the last days.
        return fallen.split + 2 * rule.recent_days if fallen.rows else _NEVER
    if fallen.is_mixed or len(gains) < len(fallen.rows):
        return _changes_day(rule, fallen)
    enough = rule.enters_at_percent * total * rule.recent_days
    left, day = fallen.recent, fallen.split
    for day, value in fallen.rows[bisect_right(fallen.rows, (fallen.split, FOREVER)) :]:
        left -= value
        if 100 * left * rule.before_days <= enough:
            return day + rule.recent_days
    # Nothing is left in the last days, and that was not enough: what is before only becomes less.
    return _NEVER


def _spent(life: Life, since_s: int, at_s: int) -> tuple[list[tuple[int, int]], Sequence[str]]:
    """By day, what was paid and given back in the currency of most orders of that time.

    And all currencies, that one first.
    """
    orders = life.orders(since_s, at_s)
    units = [order.unit for order in orders]
    used = sorted(set(units), key=lambda unit: (-units.count(unit), unit))
    rows = [(order.at_s // DAY_S, order.value) for order in orders if order.unit == used[0]]
    back = life.within((REFUNDED,), since_s, at_s)
    rows += [(one.day, -int(one.value)) for one in back if used and one.unit == used[0]]
    rows.sort()
    return rows, used


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


def _midnight(day: int) -> int:
    """When a day begins; one that never comes begins never."""
    return day * DAY_S if day < _NEVER else FOREVER
