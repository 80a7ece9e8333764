"""Which conditions follow from others, and which exclude each other, whoever the customer is.

A window by the customer's own rhythm lies between what the rhythm's bounds make of it: told is only
what holds for every rhythm.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from schemas.rules.lifecycle_tree import Active, Kind, Returned, Rhythm, Silent, Stage

_UNBOUNDED: Final = 10**9
_BOUGHT: Final[frozenset[Kind]] = frozenset({"bought"})


class Window(NamedTuple):
    """So many days, or so many per cent of a rhythm; without bound where neither is given."""

    days: int | None = None
    percent: int | None = None

    def fits(self, other: "Window", rhythm: Rhythm) -> bool:
        """Whether it is never longer than ``other``."""
        if self.percent and other.percent:
            return self.percent <= other.percent
        return self.longest(rhythm) <= other.shortest(rhythm)

    def shortest(self, rhythm: Rhythm) -> int:
        """In days, for the quickest rhythm."""
        return share(rhythm.min_days, self.percent) if self.percent else self.days or _UNBOUNDED

    def longest(self, rhythm: Rhythm) -> int:
        """In days, for the slowest rhythm."""
        return share(rhythm.max_days, self.percent) if self.percent else self.days or _UNBOUNDED


class Bound(NamedTuple):
    """At least or at most so many purchases within a window."""

    side: Literal["at_least", "at_most"]
    number: int
    window: Window
    counted: Literal["orders", "days"]
    place: str


def share(days: int, percent: int) -> int:
    """So many per cent of a number of days; a day that began is whole."""
    return -(-days * percent // 100)


def covers(earlier: Stage, later: Stage, rhythm: Rhythm) -> bool:
    """Whether each condition of ``earlier`` follows from one of ``later``."""
    return (
        all(
            any(_implies(told, asked, rhythm) for told in _bounds(later))
            for asked in _asked(earlier)
        )
        and all(_is_active(rule, later, rhythm) for rule in earlier.active)
        and all(_is_silent(rule, later, rhythm) for rule in earlier.silent)
        and (earlier.returned is None or _is_returned(earlier.returned, later))
    )


def excluded(stage: Stage, rhythm: Rhythm) -> Iterator[tuple[str, str, str]]:
    """Pairs of the stage's conditions that never hold together: place, problem, remedy."""
    bounds = [*_bounds(stage)]
    fewest = [one for one in bounds if one.side == "at_least"]
    for most in (one for one in bounds if one.side == "at_most"):
        for few in fewest:
            if few.place != most.place and _is_above(few, most, rhythm):
                problem = f"asks for more than {most.place} allows"
                yield few.place, problem, "leave one of them out, or change its number"
    recent = [*_recent(stage)]
    for number, silent in enumerate(stage.silent):
        for place, kinds, window in recent:
            if kinds <= set(silent.kinds) and window.fits(_window(silent), rhythm):
                problem = f"is an empty window, for {place} asks for activity that is more recent"
                yield f"silent.{number}", problem, f"ask for less silence, or widen {place}"


def _window(rule: Active | Silent) -> Window:
    if isinstance(rule, Active):
        return Window(rule.within_days, rule.within_rhythm_percent)
    return Window(rule.days, rule.rhythm_percent)


def _recent(stage: Stage) -> Iterator[tuple[str, frozenset[Kind], Window]]:
    """Where the stage asks for recent activity, of which kinds, how recent."""
    for number, active in enumerate(stage.active):
        yield f"active.{number}", frozenset(active.kinds), _window(active)
    for bound in _bounds(stage):
        if bound.side == "at_least" and not bound.place.startswith("active"):
            yield bound.place, _BOUGHT, bound.window


def _asked(stage: Stage) -> Iterator[Bound]:
    for number, rule in enumerate(stage.purchases):
        place, window = f"purchases.{number}", Window(rule.within_days)
        if rule.at_least is not None:
            yield Bound("at_least", rule.at_least, window, rule.counted, place)
        if rule.at_most is not None:
            yield Bound("at_most", rule.at_most, window, rule.counted, place)


def _bounds(stage: Stage) -> Iterator[Bound]:
    """What the stage says of purchases, its other conditions included."""
    yield from _asked(stage)
    for number, active in enumerate(stage.active):
        if set(active.kinds) == {"bought"}:
            yield Bound("at_least", 1, _window(active), "days", f"active.{number}")
    if stage.returned:
        yield Bound("at_least", 1, Window(stage.returned.within_days), "days", "returned")


def _implies(told: Bound, asked: Bound, rhythm: Rhythm) -> bool:
    if told.side != asked.side:
        return False
    is_same = told.counted == asked.counted
    if asked.side == "at_least":
        counts = is_same or told.counted == "days" or asked.number == 1
        return counts and told.number >= asked.number and told.window.fits(asked.window, rhythm)
    counts = is_same or told.counted == "orders" or told.number == 0
    return counts and told.number <= asked.number and asked.window.fits(told.window, rhythm)


def _is_above(few: Bound, most: Bound, rhythm: Rhythm) -> bool:
    counts = few.counted in (most.counted, "days") or most.number == 0
    return counts and few.number > most.number and few.window.fits(most.window, rhythm)


def _is_active(asked: Active, stage: Stage, rhythm: Rhythm) -> bool:
    kinds = set(asked.kinds)
    if any(
        set(told.kinds) <= kinds
        and _window(told).fits(_window(asked), rhythm)
        and (told.after_purchase or not asked.after_purchase)
        for told in stage.active
    ):
        return True
    return (
        "bought" in kinds
        and not asked.after_purchase
        and any(
            told.side == "at_least" and told.window.fits(_window(asked), rhythm)
            for told in _bounds(stage)
        )
    )


def _is_silent(asked: Silent, stage: Stage, rhythm: Rhythm) -> bool:
    return any(
        set(asked.kinds) <= set(told.kinds) and _window(asked).fits(_window(told), rhythm)
        for told in stage.silent
    )


def _is_returned(asked: Returned, stage: Stage) -> bool:
    told = stage.returned
    return (
        told is not None
        and told.after == asked.after
        and _is_no_more(told.within_days, asked.within_days)
        and _is_no_more(told.at_most_orders, asked.at_most_orders)
    )


def _is_no_more(told: int | None, asked: int | None) -> bool:
    return asked is None or (told is not None and told <= asked)
