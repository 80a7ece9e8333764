"""Falling: less in the last days than in those before; changes as days end, or by what happens."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from schemas.rules.alerts_tree import Falling
from services.scoring.model.features import VISITS
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.days import NOTHING, Laid, Row, Stretch
from services.scoring.rules.lasting import midnight
from services.scoring.rules.life import BOUGHT, CANCELLED, REFUNDED, Life
from services.scoring.rules.looks import Condition, Evidence, Fact, Look
from services.scoring.rules.standing import FOREVER

_NEVER: Final = FOREVER // DAY_S
_TYPES: Final = {
    "spend": frozenset({BOUGHT, CANCELLED, REFUNDED}),
    "purchases": frozenset({BOUGHT, CANCELLED}),
    "visits": VISITS,
}


class Fallen(NamedTuple):
    """What there was in the last days and in those before."""

    rows: Stretch
    split: int
    """The last day of those before."""

    @property
    def recent(self) -> int:
        return max(self.rows.recent, 0)

    @property
    def before(self) -> int:
        return self.rows.before


def falling(rule: Falling) -> Condition:
    """Less in the last days than before them, as the rule says."""
    recent_days, before_days = rule.recent_days, rule.before_days

    def percent(fallen: Fallen) -> int:
        """Rounded up, so that 50.1 is not half."""
        return -(-100 * fallen.recent * before_days // (fallen.before * recent_days))

    def enters(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_habit = fallen.before >= rule.minimum and fallen.rows.days_before >= rule.least_days
        if is_habit and percent(fallen) <= rule.enters_at_percent:
            return Look(holds=True, due_s=midnight(_changes_day(rule, fallen)))
        return Look(holds=False, due_s=midnight(_may_fall_day(rule, fallen)))

    def stays(life: Life, at_s: int) -> Look:
        fallen = _fallen(rule, life, at_s)
        is_less = fallen.before > 0 and percent(fallen) < rule.leaves_at_percent
        return Look(is_less, midnight(_changes_day(rule, fallen)) if is_less else FOREVER)

    def tell(life: Life, at_s: int) -> Evidence:
        fallen = _fallen(rule, life, at_s)
        facts: dict[str, Fact] = {
            "recent": fallen.recent,
            "before": fallen.before,
            "percent": percent(fallen),
            "enters_at_percent": rule.enters_at_percent,
        }
        if fallen.rows.laid.unit:
            facts["currency"] = fallen.rows.laid.unit
        since_s = (at_s // DAY_S - recent_days + 1) * DAY_S - 1
        found = life.within(_TYPES[rule.of], since_s, at_s)
        return Evidence(facts, tuple(entry.id for entry in found))

    # More now is more before by no more than its share: it has to become quieter, and later.
    is_less = rule.enters_at_percent * recent_days < 100 * before_days
    more = _TYPES[rule.of] - {CANCELLED, REFUNDED} if is_less else frozenset()

    # What was looked at last is due within that time, and looked back as long.
    span_s = (recent_days + before_days) * DAY_S

    def postpones(life: Life, entry: Entry, _: int) -> bool:
        return entry[1] in more and (
            rule.of != "spend" or life.has_one_currency(entry.at_s - 2 * span_s, entry.at_s)
        )

    fewest = rule.least_days if rule.of == "spend" else max(rule.least_days, rule.minimum)
    return Condition(f"falling_{rule.of}", _TYPES[rule.of], enters, stays, tell, postpones, fewest)


def _fallen(rule: Falling, life: Life, at_s: int) -> Fallen:
    today = at_s // DAY_S
    split = today - rule.recent_days
    first = split - rule.before_days
    laid = _once(rule, life) or _looked_up(rule, life, (first + 1) * DAY_S - 1, at_s)
    return Fallen(laid.stretch(first, split, at_s), split)


def _once(rule: Falling, life: Life) -> Laid | None:
    """All of a life, where what is known later changes nothing of what was before.

    None where orders were cancelled, or paid in several currencies.
    """
    if rule.of not in life.laid:
        life.laid[rule.of] = _of_all(rule, life)
    return life.laid[rule.of]


def _of_all(rule: Falling, life: Life) -> Laid | None:
    if rule.of == "visits":
        return Laid.of(_first_of_days(life.within(VISITS, -FOREVER, FOREVER)))
    if life.last((CANCELLED,), FOREVER):
        return None
    laid = _looked_up(rule, life, -FOREVER, FOREVER - 1)
    return None if laid.is_mixed else laid


def _first_of_days(entries: Sequence[Entry]) -> Iterator[Row]:
    last = -1
    for entry in entries:
        if entry.day != last:
            last = entry.day
            yield Row(entry[0], 1)


def _looked_up(rule: Falling, life: Life, since_s: int, at_s: int) -> Laid:
    """Orders as they are known at an instant, of the time after another."""
    orders = life.orders(since_s, at_s)
    if rule.of == "purchases":
        first_of_days = {order.at_s // DAY_S: order.at_s for order in reversed(orders)}
        return Laid.of(Row(one, 1) for one in sorted(first_of_days.values()))
    units = [order.unit for order in orders]
    used = sorted(set(units), key=lambda unit: (-units.count(unit), unit))
    if not used:
        return NOTHING
    # In the currency of most orders of that time.
    rows = [Row(order.at_s, order.value) for order in orders if order.unit == used[0]]
    back = life.within((REFUNDED,), since_s, at_s)
    rows += [Row(one[0], -int(one.value), is_order=False) for one in back if one.unit == used[0]]
    return Laid.of(sorted(rows), used[0], is_mixed=len(used) > 1)


def _changes_day(rule: Falling, fallen: Fallen) -> int:
    """The next day to come on which the oldest of either part leaves it."""
    before, recent = fallen.rows.oldest()
    leaves = [] if before is None else [before + rule.recent_days + rule.before_days]
    if recent is not None:
        leaves.append(recent + rule.recent_days)
    return min(leaves, default=_NEVER)


def _may_fall_day(rule: Falling, fallen: Fallen) -> int:
    """No sooner than then may it have fallen by time alone.

    What leaves the last days may add to those before, and nothing else does: so there will never be
    more before than there is in all. Refunds aside, which may be older than what they gave back,
    and currencies of which another may become the most used.
    """
    rows = fallen.rows
    if rows.laid.is_mixed or rows.has_losses:
        return _changes_day(rule, fallen)
    total = rows.before + rows.recent
    if total < rule.minimum or rows.days_in_all < rule.least_days:
        # What is bought from now on is before no sooner than it has left the last days.
        return fallen.split + 2 * rule.recent_days if rows.has_any else _NEVER
    most = rule.enters_at_percent * total * rule.recent_days // (100 * rule.before_days)
    day = rows.day_that_leaves(most)
    # Where nothing is left in the last days and that is too much, what is before only becomes less.
    return _NEVER if day is None else day + rule.recent_days
