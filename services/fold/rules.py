"""Rules: the policies and time zones in force, and how far time has come."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from schemas import PolicyPublished, WorkspaceChanged, WorkspaceCreated
from services.fold.kept import Kept
from services.fold.projection import Event
from services.store.course import Courses, RuleRow

ZONE: Final = "zone"
"""The kind of rule that says where a workspace's days begin."""
LIFECYCLE: Final = "lifecycle"
AHEAD: Final = timedelta(minutes=15)
"""From its recording until a rule applies: ten are the skew that an event's time may have."""
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

MakeBook = Callable[[Sequence[RuleRow]], Any]
"""Reads a workspace's rules into what a course asks of them."""


def rule_of(event: Event) -> RuleRow | None:
    """The rule that a control event brings, if it brings one."""
    recorded, data = event.recorded, event.data
    workspace, rank = recorded.workspace, event.rank
    match data:
        case PolicyPublished():
            body = msgspec.json.encode(data.rules)
            version, effective_at = data.policy_version, data.effective_at
            if data.kind == LIFECYCLE and effective_at:
                effective_at = whole_days(effective_at)
            return RuleRow(workspace, data.kind, data.name, *rank, version, effective_at, body)
        case WorkspaceCreated(time_zone=zone):
            return RuleRow(workspace, ZONE, "", *rank, 0, None, zone.encode())
        case WorkspaceChanged(time_zone=str(zone)):
            effective_at = recorded.occurred_at + AHEAD
            return RuleRow(workspace, ZONE, "", *rank, 0, effective_at, zone.encode())
        case _:
            return None


def whole_days(effective_at: datetime) -> datetime:
    """A lifecycle's days are lived whole: the first that begins then or later."""
    midnight = effective_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == effective_at else midnight + timedelta(days=1)


def in_order(rules: Sequence[RuleRow]) -> list[RuleRow]:
    """By when they apply, then by the canonical order: a later one overrides an earlier."""
    return sorted(rules, key=lambda rule: (rule.effective_at or BEGINNING, *rule[3:6]))


@dataclass(frozen=True, slots=True)
class Time:
    """How far time has come, and what holds then."""

    tick: datetime
    books: "Books"
    kept: Kept = field(default_factory=Kept)
    """States of the batches before."""
    has_unsettled: bool = False
    """Whether the rows of some customers wait to be settled."""

    def at(self, as_of: datetime | None) -> datetime:
        """The instant for which a row with its last entry then is told."""
        return self.tick if as_of is None or as_of < self.tick else as_of


class Books:
    """What every course asks of each workspace's rules, made once a revision."""

    def __init__(self, rules: Sequence[RuleRow] = (), revision: int = -1) -> None:
        self.revision = revision
        self._rules: dict[str, list[RuleRow]] = defaultdict(list)
        for rule in rules:
            self._rules[rule.workspace].append(rule)
        self._made: dict[tuple[str, MakeBook], Any] = {}

    def of(self, workspace: str, make: MakeBook) -> Any:
        """The workspace's book as ``make`` reads it."""
        key = workspace, make
        if key not in self._made:
            self._made[key] = make(in_order(self._rules.get(workspace, ())))
        return self._made[key]

    def with_rules(self, rules: Sequence[RuleRow]) -> "Books":
        """These and further ones that are not stored yet."""
        every = [rule for of_one in self._rules.values() for rule in of_one]
        return Books([*every, *rules])


class Shelf:
    """Keeps the books between batches, until a rule comes; and states, as long as they are so."""

    def __init__(self) -> None:
        self.books, self.kept = Books(), Kept()

    def time(self, courses: Courses, tick: datetime | None, rules: Sequence[RuleRow]) -> Time:
        """As it is in this transaction, with the ``tick`` and ``rules`` of its batch."""
        control = courses.control()
        if control.revision != self.books.revision:
            self.books = Books(courses.rules(), control.revision)
        books = self.books.with_rules(rules) if rules else self.books
        come = max(filter(None, (control.tick, tick)), default=BEGINNING)
        return Time(come, books, self.kept, control.has_unsettled)
