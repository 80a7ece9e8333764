"""Lifecycle as it is folded: facts, their course, and what it tells."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from schemas import LifecycleChanged
from schemas.rules.lifecycle import Lifecycle, parse
from services.fold.course import Course, Shown, Telling
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
)
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


def tail(
    grown: Sequence[tuple[Activity, Activity]], others: Sequence[Activity]
) -> Sequence[Entry] | None:
    """The days from the first that is new; None where days before a leaf's last one differ."""
    since = None
    for before, after in grown:
        if before.last and not _is_same_until_the_last(before, after):
            return None
        first = before.last or after.last - sum(after.gaps)
        since = first if since is None or first < since else since
    days = [entry for _, after in grown for entry in entries_of(after, since or 0)]
    if len(grown) == 1 and not others:
        return days
    days += [entry for facts in others for entry in entries_of(facts, since or 0)]
    return _joined(days)


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


def tellings(shown: Shown) -> Mapping[str, Telling]:
    """The stage in each machine."""
    found = {}
    machines = shown.book.on(max(day_of(shown.at), shown.state.day))
    for name, stay in shown.row["stages"].items():
        initial = machines[name].stages[-1].name
        found[f"{NAME}:{name}"] = Telling(stay["stage"], _Stage(name, shown).tell, initial)
    return found


class _Stage(NamedTuple):
    """A customer's stage in one machine."""

    machine: str
    shown: Shown

    def tell(self, previous: str | None, is_restated: bool) -> LifecycleChanged:  # noqa: FBT001
        """The change, with the facts behind it; the rule is in the policy's version."""
        _, _, state, at, book = self.shown
        stay = settle(state, at, book)["stages"][self.machine]
        return LifecycleChanged(
            customer_id=self.shown.customer,
            machine=self.machine,
            stage=stay["stage"],
            previous_stage=previous,
            since=stay["since"],
            policy_version=stay["policy_version"],
            evidence={name: fact for name, fact in stay["why"].items() if name != "rule"},
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
    row=row,
    tellings=tellings,
)
DAYS: Final = FactsSource(projection=ACTIVITY, tail=tail, entries_of=entries_of)
