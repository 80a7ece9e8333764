"""Book: a workspace's machines, each with its versions and the days from which they apply."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from schemas.rules.lifecycle_tree import Lifecycle
from services.projector.projections.lifecycle.days import (
    FOREVER,
    NEVER,
    day_of,
    first_whole_day,
    start_of,
)
from services.projector.projections.lifecycle.machine import Machine

Versions: TypeAlias = Sequence[tuple[datetime | None, int, Lifecycle]]
"""When each applies from (None: from the beginning), its version, its rules."""


class InForce(NamedTuple):
    """The version that applies from a day on, and the day from which another does."""

    machine: Machine | None
    """None before a machine's first version."""
    until: int


class Book:
    """The machines by name.

    Days are lived whole: a version applies from the first day in UTC that begins at its
    ``effective_at`` or later. Of two that apply from one day, the later published stands.
    """

    __slots__ = ("_eras", "_spans", "_starts", "changes", "names")

    def __init__(self, policies: Mapping[str, Versions]) -> None:
        self.names = tuple(sorted(policies))
        self._starts: dict[str, list[int]] = {}
        self._spans: dict[str, list[InForce]] = {}
        for name in self.names:
            starts, spans = _spans(policies[name])
            self._starts[name], self._spans[name] = starts, spans
        changes = {start for starts in self._starts.values() for start in starts}
        self.changes = sorted(changes - {NEVER})
        """The days on which some machine's rules change."""
        self._eras = [self._all_at(day) for day in (NEVER, *self.changes)]

    def on(self, day: int) -> Mapping[str, Machine]:
        """All machines that have rules on ``day``; the same object while no rules change."""
        eras = self._eras
        return eras[0] if len(eras) == 1 else eras[bisect_right(self.changes, day)]

    def at(self, name: str, day: int) -> InForce:
        """The version of the machine ``name`` that applies on ``day``."""
        spans = self._spans[name]
        return spans[0] if len(spans) == 1 else spans[bisect_right(self._starts[name], day) - 1]

    def _all_at(self, day: int) -> Mapping[str, Machine]:
        found = {name: self.at(name, day).machine for name in self.names}
        return {name: machine for name, machine in found.items() if machine}

    def next_change(self, after: datetime) -> datetime | None:
        """The first instant after ``after`` from which other rules apply; None if never."""
        day = self.change_after(day_of(after))
        return start_of(day) if day < FOREVER else None

    def change_after(self, day: int) -> int:
        """The first day after ``day`` on which some machine's rules change."""
        at = bisect_right(self.changes, day)
        return self.changes[at] if at < len(self.changes) else FOREVER


def _spans(versions: Versions) -> tuple[list[int], list[InForce]]:
    from_day: dict[int, tuple[datetime | None, int, Lifecycle]] = {}
    for version in sorted(versions, key=_order):
        effective_at = version[0]
        from_day[NEVER if effective_at is None else first_whole_day(effective_at)] = version
    machines: dict[int, Machine | None] = {NEVER: None}
    machines |= {day: Machine(rules, number) for day, (_, number, rules) in from_day.items()}
    starts = sorted(machines)
    ends = [*starts[1:], FOREVER]
    return starts, [InForce(machines[start], end) for start, end in zip(starts, ends, strict=True)]


def _order(version: tuple[datetime | None, int, Lifecycle]) -> tuple[int, float, int]:
    effective_at, number, _ = version
    return (0, 0.0, number) if effective_at is None else (1, effective_at.timestamp(), number)
