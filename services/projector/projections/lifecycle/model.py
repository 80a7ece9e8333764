"""Lifecycle as it is folded: facts, their course, and what it tells."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas import LifecycleChanged
from schemas.rules.lifecycle import Lifecycle, parse
from services.fold.course import Course, Telling
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
from services.projector.projections.lifecycle.course import State, begin, follows, post, settle
from services.projector.projections.lifecycle.days import day_of, start_of
from services.store.course import RuleRow

NAME: Final = "lifecycle"


def book_of(rules: Sequence[RuleRow]) -> Book:
    """The book of a workspace's rules; a policy that can't be read any more rules nothing."""
    machines: dict[str, list[tuple[datetime | None, int, Lifecycle]]] = defaultdict(list)
    for rule in rules:
        if rule.kind == NAME:
            machine = parse(msgspec.json.decode(rule.body))
            if isinstance(machine, Lifecycle):
                machines[rule.name].append((rule.effective_at, rule.version, machine))
    return Book(machines)


def tail(before: Activity, after: Activity) -> Sequence[Entry] | None:
    """The days of ``after`` that ``before`` has not, or not so; None where older ones differ."""
    if not before.last:
        return list(entries_of(after))
    old = len(before.gaps) - 1
    is_same_until_the_last = (
        after.last - sum(after.gaps) == before.last - sum(before.gaps)
        and after.gaps[: old + 1] == before.gaps
        and after.values[:old] == before.values[:old]
        and _many(before, before.last) == _many(after, before.last)
    )
    return list(entries_of(after, before.last)) if is_same_until_the_last else None


def as_of(state: State) -> datetime | None:
    """The beginning of the last day on which something happened."""
    return start_of(state.day) if state.day else None


def tellings(
    customer: str, row: Mapping[str, Any], at: datetime, book: Book
) -> Mapping[str, Telling]:
    """The stage in each machine."""
    found = {}
    for name, stay in row["stages"].items():
        machine = book.at(name, day_of(at)).machine
        if machine is not None:
            telling = _Stage(customer, name, stay, machine.version)
            initial = machine.stages[-1].name
            found[f"{NAME}:{name}"] = Telling(stay["stage"], telling.tell, initial)
    return found


class _Stage(msgspec.Struct, frozen=True):
    """A customer's stage in one machine."""

    customer: str
    machine: str
    stay: Mapping[str, Any]
    version: int

    def tell(self, previous: str | None, is_restated: bool) -> LifecycleChanged:  # noqa: FBT001
        return LifecycleChanged(
            customer_id=self.customer,
            machine=self.machine,
            stage=self.stay["stage"],
            previous_stage=previous,
            policy_version=self.version,
            evidence=dict(self.stay["why"]),
            is_restated=is_restated,
        )


def _many(facts: Activity, last: int) -> Sequence[tuple[int, int]]:
    """The purchases of days before the last that were too many to be counted in two bits."""
    return [one for one in facts.many if one[0] < last]


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
    tellings=tellings,
)
DAYS: Final = FactsSource(projection=ACTIVITY, tail=tail, entries_of=entries_of)
