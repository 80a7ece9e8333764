"""The laws of lifecycle bite: with one rule broken, the law that guards it fails."""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from schemas.rules import lifecycle_covering
from schemas.rules.lifecycle_covering import Window
from schemas.rules.lifecycle_tree import Active, Rhythm, Silent, Stage
from services.fold.orders import Settled
from services.projector.projections.lifecycle import (
    Activity,
    Entry,
    State,
    activity,
    book,
    conditions,
    course,
    machine,
    standing,
)
from services.projector.projections.lifecycle.book import Book
from services.projector.projections.lifecycle.conditions import Condition, Return, Returns
from services.projector.projections.lifecycle.course import Dawn, Track
from services.projector.projections.lifecycle.days import FOREVER, day_of
from services.projector.projections.lifecycle.machine import Machine, Stand
from services.projector.projections.lifecycle.standing import Standing
from tests.mutating import Mutation, each_of, notices, replaced
from tests.unit import test_lifecycle_course, test_lifecycle_covering, test_lifecycle_facts

_EVER = 10_000
_since_which, _stand, _active = Standing.since_which, Machine.stand, conditions.active


def counting_cancelled(facts: Activity, before: Settled | None, after: Settled | None) -> Activity:
    uncancelled = [
        one and msgspec.structs.replace(one, is_cancelled=False) for one in (before, after)
    ]
    return activity.reorder(facts, *uncancelled)


def the_larger(a: Activity, b: Activity) -> Activity:
    """Purchases of a day on two leaves counted once."""
    taken = {one.day: one.purchases for one in activity.entries_of(a)}
    for day, _, purchases in activity.entries_of(b):
        a = activity._changed(a, day, 0, max(0, purchases - taken.get(day, 0)))
    return a


def up_to_three(value: int, day: int, many: Mapping[int, int]) -> int:
    return value >> activity.KINDS_BITS


def within_a_byte(days: Mapping[int, int], many: dict[int, int]) -> Activity:
    """Gaps are cut off at what a byte holds."""
    told = sorted(day for day in days if days[day])
    gaps = [min(255, later - day) for day, later in pairwise(told)]
    values, last = bytes(days[day] for day in told), max(told, default=0)
    return Activity(last, bytes([0, *gaps][: len(told)]), values, activity._fixed(many))


def the_last_gap(days: list[int]) -> int:
    return days[-1] - days[-2] if len(days) > 1 else 0


def rounded_down(days: int, percent: int) -> int:
    return days * percent // 100


def unbounded(days: int | None, percent: int | None, rhythm: Rhythm) -> tuple[int, ...]:
    wide = Rhythm(min_days=1, max_days=3650, fallback_days=rhythm.fallback_days)
    return _windows(days, percent, wide)


_windows = conditions._windows


def in_orders(found: Standing, number: int, *, days: bool) -> int:
    return _since_which(found, number, days=False)


def before_or_after(rule: Active, rhythm: Rhythm) -> Condition:
    anywhere = Active(
        kinds=rule.kinds,
        within_days=rule.within_days,
        within_rhythm_percent=rule.within_rhythm_percent,
    )
    return _active(anywhere, rhythm)


def never_back(state: State, dawn: Dawn, machine: Machine) -> Returns:
    return dawn.returns


def back_from_anywhere(state: State, dawn: Dawn, machine: Machine) -> Returns:
    if state.purchases > 0 and dawn.stage >= 0:
        left = machine.stages[dawn.stage].name
        return {**dawn.returns, left: Return(state.day, state.standing.orders)}
    return dawn.returns


def since_today(state: State, machine: Machine, dawn: Dawn) -> Track:
    return msgspec.structs.replace(_track(state, machine, dawn), since=state.day)


_track = course._track


def not_taking_back(found: Standing, entry: Entry, last: list[int]) -> None:
    _give_back(found, entry, found.last)


def still_with_its_gap(found: Standing, entry: Entry, last: list[int]) -> None:
    gap_days = found.gap_days
    _give_back(found, entry, last)
    found.gap_days = gap_days


_give_back = Standing.give_back


def until_its_own_end(ready: Machine, found: Standing, returns: Returns, day: int) -> Stand:
    """Stages of more precedence never take over."""
    stage, until, following = _stand(ready, found, returns, day)
    return stage, FOREVER if following < stage else until, following


def the_last_follows(ready: Machine, found: Standing, returns: Returns, day: int) -> Stand:
    stage, until, _ = _stand(ready, found, returns, day)
    return stage, until, len(ready.stages) - 1


def by_number(version: tuple[datetime | None, int, Any]) -> int:
    return -version[1]


def posted_again(state: State, entry: Entry, rules: Book) -> None:
    """A day told again is added to what was told of it."""
    if entry.day == state.day:
        entry = Entry(entry.day, entry.mask | state.mask, entry.purchases + state.purchases)
    course.post(state, entry, rules)


def walking_on(rules: Book, name: str, day: int) -> book.InForce:
    """The rules of the beginning stay."""
    first = next((one for one in rules._spans[name] if one.machine), rules._spans[name][0])
    return book.InForce(first.machine, FOREVER)


def any_window(one: Window, other: Window, rhythm: Rhythm) -> bool:
    return True


def some_kinds(asked: Silent, stage: Stage, rhythm: Rhythm) -> bool:
    return any(
        set(asked.kinds) >= set(told.kinds)
        and lifecycle_covering._window(asked).fits(lifecycle_covering._window(told), rhythm)
        for told in stage.silent
    )


KNOWN = test_lifecycle_facts.test_facts_are_what_happened_on_each_day
MERGED = test_lifecycle_facts.test_leaves_merged_are_one_leaf_that_had_it_all
PATH = test_lifecycle_course.test_the_path_computed_at_once_is_the_path_lived_day_by_day
ROW = test_lifecycle_course.test_a_row_says_the_last_stage_of_the_path_and_since_when
NEXT = test_lifecycle_course.test_what_comes_next_comes_if_nothing_happens_and_rules_stay
DUE = test_lifecycle_course.test_a_row_stays_as_it_is_until_it_is_due
POSTED = test_lifecycle_course.test_days_posted_onto_a_stored_state_give_what_all_days_give
FOLLOWS = test_lifecycle_covering.test_what_follows_from_a_condition_holds_whenever_it_does
TOGETHER = (
    test_lifecycle_covering.test_conditions_refused_as_excluding_each_other_never_hold_together
)

MUTATIONS = [
    Mutation("cancelled", replaced(test_lifecycle_facts, "reorder", counting_cancelled), KNOWN),
    Mutation("many orders a day", replaced(activity, "_purchases", up_to_three), KNOWN),
    Mutation("long gaps", replaced(activity, "_packed", within_a_byte), KNOWN),
    Mutation("two leaves", replaced(test_lifecycle_facts, "merge", the_larger), MERGED),
    Mutation("median", replaced(standing, "_median_gap", the_last_gap), PATH),
    Mutation("eight gaps", replaced(standing, "MOST_GAPS", 2), PATH),
    Mutation("days begun", replaced(conditions, "_share", rounded_down), PATH, 2),
    Mutation("rhythm's bounds", replaced(conditions, "_windows", unbounded), PATH),
    Mutation("days counted", replaced(Standing, "since_which", in_orders), PATH),
    Mutation("purchases kept", replaced(standing, "MOST_IN_WINDOW", 2), PATH),
    Mutation("after purchase", replaced(machine, "active", before_or_after), PATH),
    Mutation("returns", replaced(course, "_returns", never_back), PATH),
    Mutation("orders since", replaced(course, "_returns", back_from_anywhere), PATH),
    Mutation("precedence", replaced(Machine, "stand", until_its_own_end), PATH),
    Mutation("whole days", replaced(book, "first_whole_day", day_of), PATH),
    Mutation("versions", replaced(book, "_order", by_number), PATH),
    Mutation("other rules", replaced(Book, "at", walking_on), PATH),
    Mutation("due with rules", replaced(Book, "change_after", lambda _, day: FOREVER), DUE, 2),
    Mutation("what follows", replaced(Machine, "stand", the_last_follows), NEXT),
    Mutation("since", replaced(course, "_track", since_today), ROW),
    Mutation("open day", replaced(test_lifecycle_course, "post", posted_again), POSTED),
    Mutation("open day's kinds", replaced(Standing, "give_back", not_taking_back), POSTED),
    Mutation("open day's gap", replaced(Standing, "give_back", still_with_its_gap), POSTED),
    Mutation("never longer", replaced(Window, "fits", any_window), FOLLOWS),
    Mutation("never longer", replaced(Window, "fits", any_window), TOGETHER),
    Mutation(
        "kinds of silence", replaced(lifecycle_covering, "_is_silent", some_kinds), FOLLOWS, 1
    ),
]
"""One line a rule."""


@each_of(MUTATIONS)
def test_without_its_rule_a_law_fails(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> None:
    notices(mutation, monkeypatch)
