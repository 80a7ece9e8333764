"""Conditions made ready: each as the span of days, from now on, in which it holds, and why.

Time alone turns a condition at most once: what happened lately stops having been lately, a silence
begins to be long enough. So a condition holds from a day on, until a day, or both.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from schemas.rules.lifecycle_tree import (
    KINDS,
    Active,
    Kind,
    Purchases,
    Returned,
    Rhythm,
    Silent,
)
from services.projector.projections.lifecycle.days import FOREVER, NEVER, text_of
from services.projector.projections.lifecycle.standing import Standing


class Return(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last purchase that led out of a stage, and how many orders there had been before."""

    day: int
    orders_before: int


Span: TypeAlias = tuple[int, int]
"""The first day on which something holds, and the first on which it no longer does."""
Returns: TypeAlias = dict[str, Return]
"""By the stage that was left."""
Holds: TypeAlias = Callable[[Standing, Returns], Span]
Why: TypeAlias = dict[str, str | int]
ALWAYS: Final[Span] = (NEVER, FOREVER)
NOWHERE: Final[Span] = (FOREVER, FOREVER)
_BOUGHT: Final = KINDS.index("bought")
_BOUGHT_ONLY: Final = (_BOUGHT,)


class Condition(NamedTuple):
    """One condition of a stage."""

    holds: Holds
    rule: str
    """As people would say it."""
    tell: Callable[[Standing, Returns, Why], None]
    """Adds the facts that decide; none that time alone would change."""


def purchases(rule: Purchases) -> Condition:
    """So many purchases, in all or within the last days."""
    in_days, fewest, most = rule.counted == "days", rule.at_least or 0, rule.at_most
    within = rule.within_days or 0

    def in_all(standing: Standing, _: Returns) -> Span:
        count = standing.purchase_days if in_days else standing.orders
        return ALWAYS if count >= fewest and (most is None or count <= most) else NOWHERE

    def lately(standing: Standing, _: Returns) -> Span:
        begin, end = ALWAYS
        if fewest:
            since = standing.since_which(fewest, days=in_days)
            end = since + within if since else NEVER
        if most is not None:
            beyond = standing.since_which(most + 1, days=in_days)
            begin = beyond + within if beyond else NEVER
        return begin, end

    def tell(standing: Standing, _: Returns, why: Why) -> None:
        if in_days:
            why["purchase_days"] = standing.purchase_days
        else:
            why["orders"] = standing.orders
        if within and fewest:
            why["counted_since"] = text_of(standing.since_which(fewest, days=in_days))

    return Condition(lately if within else in_all, _purchases_said(rule), tell)


def active(rule: Active, rhythm: Rhythm) -> Condition:
    """Activity of any of these kinds, ever or within the last days."""
    kinds, after = _places(rule.kinds), rule.after_purchase
    newest, percent = _newest(kinds), rule.within_rhythm_percent
    windows = _windows(rule.within_days, percent, rhythm)
    is_ever, longest = windows == (0,), len(windows) - 1

    def holds(standing: Standing, _: Returns) -> Span:
        day = newest(standing.last)
        if not day or (after and day <= standing.last[_BOUGHT]):
            return NOWHERE
        gap = standing.gap_days
        return ALWAYS if is_ever else (NEVER, day + windows[min(longest, gap)])

    def tell(standing: Standing, _: Returns, why: Why) -> None:
        _tell_newest(standing, kinds, why)
        if percent:
            why["rhythm_days"] = _rhythm_days(standing.gap_days, rhythm)

    return Condition(holds, _active_said(rule), tell)


def silent(rule: Silent, rhythm: Rhythm) -> Condition:
    """No activity of any of these kinds since so long."""
    kinds, percent = _places(rule.kinds), rule.rhythm_percent
    newest, windows = _newest(kinds), _windows(rule.days, percent, rhythm)
    longest = len(windows) - 1

    def holds(standing: Standing, _: Returns) -> Span:
        since, gap = newest(standing.last) or standing.first, standing.gap_days
        return since + windows[min(longest, gap)], FOREVER

    def tell(standing: Standing, returns: Returns, why: Why) -> None:
        _tell_newest(standing, kinds, why)
        why["overdue_from"] = text_of(holds(standing, returns)[0])
        if percent:
            why["rhythm_days"] = _rhythm_days(standing.gap_days, rhythm)

    return Condition(holds, _silent_said(rule), tell)


def returned(rule: Returned) -> Condition:
    """Bought on a day that began in another stage."""
    after, days, most = rule.after, rule.within_days, rule.at_most_orders

    def holds(standing: Standing, returns: Returns) -> Span:
        found = returns.get(after)
        if found is None or (most and standing.orders - found.orders_before > most):
            return NOWHERE
        return (NEVER, found.day + days) if days else ALWAYS

    def tell(standing: Standing, returns: Returns, why: Why) -> None:
        found = returns[after]
        why["returned_on"] = text_of(found.day)
        why["orders_since"] = standing.orders - found.orders_before

    return Condition(holds, _returned_said(rule), tell)


def _places(kinds: Sequence[Kind]) -> tuple[int, ...]:
    """The kinds' places, the strongest first."""
    return tuple(sorted(map(KINDS.index, kinds), reverse=True))


def _newest(kinds: Sequence[int]) -> Callable[[Sequence[int]], int]:
    """The newest of the days on which there was any of these kinds, out of all kinds' newest."""
    picked = itemgetter(*kinds)
    return picked if len(kinds) == 1 else lambda last: max(picked(last))


def _windows(days: int | None, percent: int | None, rhythm: Rhythm) -> tuple[int, ...]:
    """How many days, by the median of the gaps between days of purchase; the last for longer."""
    if days or not percent:
        return (days or 0,)
    own = (_share(max(gap, rhythm.min_days), percent) for gap in range(1, rhythm.max_days + 1))
    return _share(rhythm.fallback_days, percent), *own


def _share(days: int, percent: int) -> int:
    """So many per cent of a number of days; a day that began is whole."""
    return -(-days * percent // 100)


def _rhythm_days(gap_days: int, rhythm: Rhythm) -> int:
    if not gap_days:
        return rhythm.fallback_days
    return min(max(gap_days, rhythm.min_days), rhythm.max_days)


def _tell_newest(standing: Standing, kinds: Sequence[int], why: Why) -> None:
    """``kinds`` by their places, the strongest first."""
    last = standing.last
    kind = kinds[0] if len(kinds) == 1 else max(kinds, key=last.__getitem__)
    if not last[kind]:
        why["known_since"] = text_of(standing.first)
    elif kinds == _BOUGHT_ONLY:
        why["last_purchase_on"] = text_of(last[kind])
    else:
        why["last_active_on"] = text_of(last[kind])
        why["last_activity"] = KINDS[kind]


def _purchases_said(rule: Purchases) -> str:
    fewest, most = rule.at_least, rule.at_most
    noun = "order" if rule.counted == "orders" else "day of purchase"
    many = "orders" if rule.counted == "orders" else "days of purchase"
    match fewest, most:
        case None, 0:
            count = f"no {noun}"
        case None, _:
            count = f"at most {most} {noun if most == 1 else many}"
        case _, None:
            count = f"at least {fewest} {noun if fewest == 1 else many}"
        case _ if fewest == most:
            count = f"exactly {fewest} {noun if fewest == 1 else many}"
        case _:
            count = f"{fewest} to {most} {many}"
    return count + _within_said(rule.within_days, None)


def _active_said(rule: Active) -> str:
    after = " after the last purchase" if rule.after_purchase else ""
    return _listed(rule.kinds) + _within_said(rule.within_days, rule.within_rhythm_percent) + after


def _silent_said(rule: Silent) -> str:
    what = "no purchase" if rule.kinds == ("bought",) else f"not {_listed(rule.kinds)}"
    return f"{what} for " + (_days(rule.days) if rule.days else _rhythm_said(rule.rhythm_percent))


def _returned_said(rule: Returned) -> str:
    most = rule.at_most_orders
    orders = f", at most {most} order{'' if most == 1 else 's'} since" if most else ""
    return f"bought again after {rule.after}{_within_said(rule.within_days, None)}{orders}"


def _within_said(days: int | None, percent: int | None) -> str:
    if percent:
        return f" within {_rhythm_said(percent)}"
    return f" within {_days(days)}" if days else ""


def _rhythm_said(percent: int | None) -> str:
    return f"{percent} % of the own rhythm"


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _listed(kinds: Sequence[Kind]) -> str:
    return " or ".join(kinds)
