"""Tiers: qualifying points in a trailing window, and how long a tier is kept beyond it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from services.projector.projections.loyalty.book import Book, Era, Level
from services.projector.projections.loyalty.instants import NEVER
from services.projector.projections.loyalty.state import Lot, State


class Standing(NamedTuple):
    """The tier that a member has, and the instant until which it is kept if nothing happens."""

    tier: str | None
    until: int


def age(state: State, at: int, book: Book) -> None:
    """Let time pass up to ``at``: points stop counting, and tiers that they met are kept a while.

    A tier is met at an instant by the points that count at it and the policy in force then.
    """
    if state.last is None or at <= state.at:
        return
    era = book.era(state.at)
    while era.end <= at:
        _lapse(state, era.end, era)
        following = book.era(era.end)
        _change(state, era, following)
        era = following
    if state.untils and state.untils[0] <= at:
        _lapse(state, at - 1, era)
        state.was = counting(state)
        _lapse(state, at, era)
    else:
        state.was = counting(state)
    if state.held:
        state.held = {name: until for name, until in state.held.items() if until > at}


def counting(state: State) -> int:
    """The qualifying points that count."""
    return state.totals[-1] - state.base if state.totals else 0


def tier_of(state: State, at: int, era: Era) -> str | None:
    """The tier at ``at``, up to which the state is aged."""
    points, held = counting(state), state.held
    for level in era.levels:
        if points >= level.threshold or held.get(level.name, at) > at:
            return level.name
    return None


def standing(state: State, at: int, book: Book) -> Standing:
    """The same and for how long, at any instant from the last entry on; the state stays as it is.

    Thresholds change with the policy, so what comes of it holds until the book changes at most.
    """
    era = book.era(at)
    if not era.levels:
        return Standing(None, NEVER)
    if era.start > state.at:
        state = _aged(state, era.start, book)
    totals = state.totals
    now = counting(state)
    for level in era.levels:
        until = state.held.get(level.name, at)
        if now >= level.threshold:
            if level.threshold <= 0:
                return Standing(level.name, NEVER)
            falls = state.untils[bisect_right(totals, totals[-1] - level.threshold)]
            until = max(until, kept_until(falls, era))
        if until > at:
            return Standing(level.name, until)
    return Standing(None, NEVER)


def kept_until(falls: int, era: Era) -> int:
    """Until when a tier is kept whose points no longer suffice from ``falls`` on."""
    return era.wall.after(falls, era.grace) if era.grace else falls


def count(state: State, points: int, until: int) -> None:
    """Let ``points``, taken away if negative, count for tiers until then."""
    untils, totals = state.untils, state.totals
    if not untils or untils[-1] < until:
        untils.append(until)
        totals.append((totals[-1] if totals else state.base) + points)
        return
    place = bisect_left(untils, until)
    if untils[place] != until:
        untils.insert(place, until)
        totals.insert(place, totals[place - 1] if place else state.base)
    for later in range(place, len(totals)):
        totals[later] += points


def take_away(state: State, lot: Lot, points: int, book: Book) -> None:
    """Let ``points`` of a lot no longer count; a tier met up to now is kept for the grace."""
    earned_in = book.era(lot.at)
    until = window_end(lot.at, earned_in)
    if not points or until <= state.at:
        return
    count(state, -points, until)
    now, era = counting(state), book.era(state.at)
    # Met by the very purchase that is given back at its instant, a tier was never met.
    _keep(state, _lost(era, min(state.was, now + points), now), state.at, era)


def window_end(at: int, era: Era) -> int:
    """Until when points earned at ``at`` count."""
    return era.wall.after(at, era.window)


def _lapse(state: State, at: int, era: Era) -> None:
    """Drop what counts until ``at`` or less."""
    untils = state.untils
    if not untils or untils[0] > at:
        return
    over = bisect_right(untils, at)
    top = state.totals[-1]
    before = top - state.base
    for until, total in zip(untils[:over], state.totals[:over], strict=True):
        now = top - total
        for level in era.levels:
            if now < level.threshold <= before:
                _keep(state, (level,), until, era)
        before = now
    state.base = state.totals[over - 1]
    del untils[:over], state.totals[:over]


def _change(state: State, era: Era, following: Era) -> None:
    """Keep for the grace each tier that the policy before granted and the next one does not."""
    points = counting(state)
    granted = {level.name for level in following.levels if points >= level.threshold}
    met = [level for level in era.levels if points >= level.threshold]
    _keep(state, [level for level in met if level.name not in granted], era.end, era)


def _lost(era: Era, before: int, now: int) -> list[Level]:
    """The tiers that so many points met before and do not now."""
    return [level for level in era.levels if now < level.threshold <= before]


def _keep(state: State, lost: Iterable[Level], at: int, era: Era) -> None:
    for level in lost:
        until = kept_until(at, era)
        if until > max(at, state.held.get(level.name, at)):
            state.held[level.name] = until


def _aged(state: State, at: int, book: Book) -> State:
    """What ages of ``state``, aged."""
    copy = State(
        last=state.last,
        at=state.at,
        untils=[*state.untils],
        totals=[*state.totals],
        base=state.base,
        was=state.was,
        held={**state.held},
    )
    age(copy, at, book)
    return copy
