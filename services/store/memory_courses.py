"""Courses in memory, for tests of folds; pass the same contract suite as PostgreSQL's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.store.course import (
    ALWAYS_DUE,
    STALE,
    Control,
    CourseChanges,
    Decided,
    LedgerRow,
    RuleRow,
    StateRow,
    Unsettled,
)
from services.store.port import Identifier, OrderRow, Row

RULED: Final[Mapping[str, tuple[str, ...]]] = {
    "lifecycle": ("lifecycle",),
    "loyalty": ("loyalty",),
    "zone": ("loyalty",),
}


@dataclass
class CourseTables:
    """The rows, by what they are found by."""

    control: Control = field(default_factory=lambda: Control(None, 0))
    rules: list[RuleRow] = field(default_factory=list)
    ledger: dict[tuple[str, str, str, bool], LedgerRow] = field(default_factory=dict)
    decided: dict[tuple[str, str], Decided] = field(default_factory=dict)
    redeemed: list[tuple[str, str]] = field(default_factory=list)
    unsettled: dict[str, Unsettled] = field(default_factory=dict)


class MemoryCourses:
    """As ``Courses`` says, of the tables of one store."""

    def __init__(
        self,
        tables: CourseTables,
        views: Mapping[str, dict[str, Row]],
        identifiers: Mapping[str, Identifier],
        orders: Mapping[str, OrderRow],
    ) -> None:
        self._tables, self._views = tables, views
        self._identifiers, self._orders = identifiers, orders
        self._changes: list[CourseChanges] = []

    def control(self) -> Control:
        """As the port says."""
        return self._tables.control._replace(has_unsettled=bool(self._tables.unsettled))

    def rules(self) -> Sequence[RuleRow]:
        """As the port says."""
        return list(self._tables.rules)

    def ledger(self, leaves: Collection[str]) -> Sequence[LedgerRow]:
        """As the port says."""
        return [row for row in self._tables.ledger.values() if row.leaf in leaves]

    def voided(self, leaves: Collection[str]) -> Collection[tuple[str, str, str]]:
        """As the port says."""
        return {row[:3] for row in self.ledger(leaves) if row.is_void}

    def orders_of(self, leaves: Collection[str]) -> Sequence[OrderRow]:
        """As the port says."""
        return [row for row in self._orders.values() if row.leaf in leaves]

    def states(self, course: str, customers: Collection[str]) -> Mapping[str, StateRow]:
        """As the port says."""
        view = self._views.get(course, {})
        return {one: _state(one, view[one]) for one in customers if one in view}

    def due(self, course: str, tick: datetime | None, limit: int) -> Sequence[str]:
        """As the port says."""
        until = tick or ALWAYS_DUE
        view = self._views.get(course, {})
        found = [(due, one) for one, row in view.items() if (due := _state(one, row).due_at)]
        return [one for due, one in sorted(found) if due <= until][:limit]

    def unsettled(self, customers: Collection[str]) -> Sequence[Unsettled]:
        """As the port says."""
        return [one for one in self._tables.unsettled.values() if one.customer_id in customers]

    def waiting(self, limit: int) -> Sequence[Unsettled]:
        """As the port says."""
        return [*self._tables.unsettled.values()][:limit]

    def members(self, customers: Collection[str]) -> Sequence[Identifier]:
        """As the port says."""
        return [row for row in self._identifiers.values() if row.customer_id in customers]

    def decided(self, customers: Collection[str]) -> Sequence[Decided]:
        """As the port says."""
        return [one for one in self._tables.decided.values() if one.customer_id in customers]

    def save(self, changes: CourseChanges) -> None:
        """As the port says."""
        self._changes.append(changes)

    def commit(self) -> None:
        """Write what was kept."""
        tables = self._tables
        for changes in self._changes:
            before, revision, _ = tables.control
            tick = max(filter(None, (before, changes.tick)), default=None)
            tables.control = Control(tick, revision + len(changes.rules))
            tables.rules += changes.rules
            for rule in changes.rules:
                for course in RULED.get(rule.kind, ()):
                    self._overtake(course, rule)
            tables.ledger |= {row[:4]: row for row in changes.ledger}
            tables.decided |= {(one.customer_id, one.kind): one for one in changes.decided}
            tables.redeemed += changes.redeemed
            tables.unsettled |= {one.customer_id: one for one in changes.unsettled}
            for customer in changes.settled:
                tables.unsettled.pop(customer, None)

    def _overtake(self, course: str, rule: RuleRow) -> None:
        view, effective_at = self._views.get(course, {}), rule.effective_at
        for customer, row in view.items():
            found = _state(customer, row)
            if found.workspace != rule.workspace:
                continue
            if effective_at is None or (found.as_of and found.as_of >= effective_at):
                view[customer] = (row[0], STALE, row[2], ALWAYS_DUE, *row[4:])
            elif found.due_at is None or found.due_at > effective_at:
                view[customer] = (*row[:3], effective_at, *row[4:])


def _state(customer: str, row: Any) -> StateRow:
    return StateRow(customer, *row[:5])
