"""Running the courses of a batch: whose rows change by it, and what is to be told of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.fold.course import AnyCourse, Run, Settled, Supply, Touched
from services.fold.deciding import Cause, decide, reread
from services.fold.project import Projected
from services.fold.resolve import Customers, Resolved
from services.fold.rules import Time
from services.fold.settlements import Settlements
from services.fold.sift import Sifted
from services.fold.source import FactsSource, Source
from services.fold.supply import FactsSupply, LedgerSupply
from services.store.port import Changes, Transaction

AWAITED: Final = frozenset({"points.redeemed", "points.adjusted", "reward.granted"})
"""What is spoken for until it is folded."""


@dataclass(frozen=True, slots=True)
class Work:
    """A batch whose facts are projected."""

    sifted: Sifted
    settlements: Settlements
    resolved: Resolved
    found: Customers
    projected: Mapping[str, Projected]
    changes: Changes
    tx: Transaction


def run_courses(
    work: Work,
    courses: Sequence[tuple[AnyCourse, Source]],
    time: Time,
    *,
    is_replay: bool,
) -> None:
    """Settle every course's customers, and tell what is new of them unless it is told already."""
    changes, sifted = work.changes, work.sifted
    # A rule that comes with them may be older than what their states were folded by.
    again = work.found.members.keys() if sifted.rules else work.resolved.regrouped()
    touched = Touched(work.found.members, frozenset(work.found.new), frozenset(again))
    settled = {}
    for course, source in courses:
        supply = _supply(source, work)
        rows, gone = Run(course, supply, time, work.tx).settle(touched)
        settled[course.name] = rows
        put(changes, course, rows, gone)
        if isinstance(supply, LedgerSupply):
            changes.course.ledger = supply.rows
    if is_replay:
        changes.course.decided = reread(sifted.decisions)
        return
    told = decide(settled, _Causes(work, time).of, work.tx)
    changes.course.decided = told.decided
    changes.outbox += told.outbox
    changes.course.redeemed = [
        (event.recorded.workspace, event.recorded.id)
        for events in sifted.entries.values()
        for event in events
        if event.recorded.type in AWAITED
    ]


def put(
    changes: Changes, course: AnyCourse, rows: Mapping[str, Settled], gone: Iterable[str]
) -> None:
    """Let ``changes`` write a course's rows, and take away those that have no entries any more."""
    changes.views[course.name] = {customer: one.row for customer, one in rows.items()}
    changes.gone[course.name] = set(gone)


def _supply(source: Source, work: Work) -> Supply:
    if isinstance(source, FactsSource):
        return FactsSupply(source, work.projected[source.projection.name])
    return LedgerSupply(source, work.settlements, work.sifted.entries, work.tx)


class _Causes:
    """What let customers' rows change."""

    def __init__(self, work: Work, time: Time) -> None:
        self._members, self._sifted = work.found.members, work.sifted
        self._by_tick = Cause.of_tick(time.tick)

    def of(self, customer: str) -> Cause:
        """The latest event of a customer, else the last merge or split, else the clock."""
        members, sifted = self._members[customer], self._sifted
        events = [
            event
            for one in members
            for told in (sifted.by_leaf, sifted.entries)
            for event in told.get(one.identifier, ())
        ]
        if events:
            return Cause.of(max(events, key=lambda event: event.rank))
        regrouping = sifted.regrouping.get(members[0].workspace)
        return Cause.of(regrouping) if regrouping else self._by_tick
