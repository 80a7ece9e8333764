"""Lifecycle as it is folded: facts, their course, and what it tells."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import LifecycleChanged
from schemas.rules.lifecycle import Lifecycle, parse
from services.fold.course import Course, News, Said, Says, Shown
from services.fold.projection import Projection
from services.fold.source import FactsSource
from services.projector.projections.lifecycle.activity import (
    INITIAL,
    Activity,
    Entry,
    entries_of,
    evolve,
    merge,
    reorder,
)
from services.projector.projections.lifecycle.book import Book
from services.projector.projections.lifecycle.course import (
    State,
    begin,
    follows,
    post,
    row,
    settle,
    stage_of,
)
from services.projector.projections.lifecycle.days import day_of, start_of
from services.store.course import RuleRow

NAME: Final = "lifecycle"
_SAID: Final = "lifecycle:"


def book_of(rules: Sequence[RuleRow]) -> Book:
    """The book of a workspace's rules; a policy that can't be read any more rules nothing."""
    machines: dict[str, list[tuple[datetime | None, int, Lifecycle]]] = defaultdict(list)
    for rule in rules:
        if rule.kind == NAME:
            machine = parse(msgspec.json.decode(rule.body))
            if isinstance(machine, Lifecycle):
                machines[rule.name].append((rule.effective_at, rule.version, machine))
    return Book(machines)


def tail(
    grown: Sequence[tuple[Activity, Activity]], others: Sequence[Activity]
) -> Sequence[Entry] | None:
    """The days from the first that is new or tells more; None where one before a leaf's last does.

    A customer's other leaves may have later days than that: only then is a day late.
    """
    since = None
    for before, after in grown:
        if before.last and not _is_same_until_the_last(before, after):
            return None
        first = _first_new(before, after)
        since = first if since is None or first < since else since
    days = [entry for _, after in grown for entry in entries_of(after, since or 0)]
    if len(grown) == 1 and not others:
        return days
    days += [entry for facts in others for entry in entries_of(facts, since or 0)]
    return _joined(days)


def _first_new(before: Activity, after: Activity) -> int:
    """The first day of ``after`` that ``before`` does not tell as it does."""
    old = len(before.values)
    if not old:
        return after.last - sum(after.gaps)
    day = before.last
    is_last_same = before.values[-1] == after.values[old - 1]
    if not is_last_same or _many(before, day + 1) != _many(after, day + 1):
        return day
    for gap, value in zip(after.gaps[old:], after.values[old:], strict=True):
        day += gap
        if value:
            break
    return day


def _joined(days: Sequence[Entry]) -> Sequence[Entry]:
    """Days of several leaves, in order, each once."""
    found: dict[int, Entry] = {}
    for entry in days:
        day, mask, purchases = entry
        known = found.get(day)
        found[day] = Entry(day, mask | known.mask, purchases + known.purchases) if known else entry
    return [found[day] for day in sorted(found)]


def _is_same_until_the_last(before: Activity, after: Activity) -> bool:
    """Whether ``after`` has the same days as ``before``, and the same in all but the last."""
    old = len(before.gaps) - 1
    return (
        after.last - sum(after.gaps) == before.last - sum(before.gaps)
        and after.gaps[: old + 1] == before.gaps
        and after.values[:old] == before.values[:old]
        and _many(before, before.last) == _many(after, before.last)
    )


def as_of(state: State) -> datetime | None:
    """The beginning of the last day on which something happened."""
    return start_of(state.day) if state.day else None


def said(row: Mapping[str, Any]) -> Said:
    """The stage in each machine."""
    return {_SAID + name: stay["stage"] for name, stay in row["stages"].items()}


def expected(shown: Shown) -> Said:
    """A newcomer is in a machine's last stage."""
    machines = shown.book.on(max(day_of(shown.at), shown.state.day))
    return {_SAID + name: machine.stages[-1].name for name, machine in machines.items()}


def tell(shown: Shown, news: News) -> LifecycleChanged:
    """The change, with the facts behind it; the rule is in the policy's version."""
    machine = news.kind.removeprefix(_SAID)
    stay = stage_of(shown.state, machine, shown.at, shown.book)
    return LifecycleChanged(
        customer_id=shown.customer,
        machine=machine,
        stage=stay["stage"],
        previous_stage=news.previous,
        since=stay["since"],
        policy_version=stay["policy_version"],
        evidence={name: fact for name, fact in stay["why"].items() if name != "rule"},
        is_restated=news.is_restated,
    )


def _many(facts: Activity, before: int) -> Sequence[tuple[int, int]]:
    """The purchases of days before ``before`` that were too many to be counted in two bits."""
    return [one for one in facts.many if one[0] < before]


ACTIVITY: Final = Projection(
    name="activity", version=1, initial=INITIAL, evolve=evolve, reorder=reorder, merge=merge
)
LIFECYCLE: Final[Course[State]] = Course(
    name=NAME,
    columns=("stage", "stages"),
    book=book_of,
    begin=begin,
    post=post,
    follows=follows,
    as_of=as_of,
    settle=settle,
    row=row,
    says=Says(said, expected, tell),
)
DAYS: Final = FactsSource(projection=ACTIVITY, tail=tail, entries_of=entries_of)
