"""Running the courses of a batch: whose rows change by it, and what is to be told of that."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from services.fold.course import AnyCourse, Run, Settled, Supply, Touched
from services.fold.deciding import Cause, decide, reread
from services.fold.project import Projected
from services.fold.resolve import Customers, Resolved
from services.fold.rules import Time
from services.fold.settlements import Settlements
from services.fold.sift import Sifted
from services.fold.source import FactsSource, LedgerSource, Source
from services.fold.supply import FactsSupply, LedgerSupply
from services.store.course import Unsettled
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


@dataclass(frozen=True, slots=True)
class How:
    """How a batch is folded."""

    is_replay: bool = False
    """Decisions are read back."""
    is_backlog: bool = False
    """More waits behind it: a customer's rows are settled once, when all of it is folded."""


def run_courses(
    work: Work, courses: Sequence[tuple[AnyCourse, Source]], time: Time, how: How
) -> None:
    """Settle every course's customers but those who wait; tell what is new unless it is told."""
    changes, sifted, causes = work.changes.course, work.sifted, _Causes(work, time)
    if how.is_replay:
        changes.decided = reread(sifted.decisions)
    else:
        changes.redeemed = [
            (event.recorded.workspace, event.recorded.id)
            for events in sifted.entries.values()
            for event in events
            if event.recorded.type in AWAITED
        ]
    members = work.found.members
    waiting = work.tx.courses.unsettled(members.keys()) if time.has_unsettled else ()
    # A rule that comes with them may be older than what their states were folded by.
    if sifted.rules:
        left: AbstractSet[str] = frozenset()
        changes.settled = {one.customer_id for one in waiting}
    else:
        left = members.keys() if how.is_backlog else {one.customer_id for one in waiting}
        _leave(work, courses, left, waiting=waiting, causes=causes)
    if left and len(left) == len(members):
        _write_down(work, courses)
        return
    now = {customer: found for customer, found in members.items() if customer not in left}
    again = now.keys() if sifted.rules else work.resolved.regrouped()
    touched = Touched(now, frozenset(work.found.new), frozenset(again))
    settled = {}
    for course, source in courses:
        supply = _supply(source, work)
        rows, gone = Run(course, supply, time, work.tx).settle(touched)
        settled[course.name] = rows
        put(work.changes, course, rows, gone)
        if isinstance(supply, LedgerSupply):
            changes.ledger = supply.rows
    if not how.is_replay:
        told = decide(settled, causes.of, work.tx)
        changes.decided = told.decided
        work.changes.outbox += told.outbox


def _leave(
    work: Work,
    courses: Sequence[tuple[AnyCourse, Source]],
    customers: AbstractSet[str],
    *,
    waiting: Iterable[Unsettled],
    causes: "_Causes",
) -> None:
    """Write down whose rows wait to be settled; take away those of who is part of others now.

    By the first event that left them waiting; where that is history, by the first that is none.
    """
    changes, members = work.changes.course, work.found.members
    gone = {customer for customer in customers if not members[customer]}
    for course, _ in courses:
        put(work.changes, course, {}, gone - work.found.new)
    changes.settled, changes.left = gone, len(customers - gone)
    before = {one.customer_id: one.is_old for one in waiting}
    for customer in customers - gone:
        if before.get(customer, True):
            cause = causes.of(customer)
            # Without an event of theirs it is the clock, which makes no history news.
            if customer not in before or (cause.id and not cause.is_old):
                row = customer, members[customer][0].workspace, cause.key.encode(), *cause[1:]
                changes.unsettled.append(Unsettled(*row))


def _write_down(work: Work, courses: Sequence[tuple[AnyCourse, Source]]) -> None:
    """The entries of customers whose rows wait."""
    for _, source in courses:
        if isinstance(source, LedgerSource):
            supply = LedgerSupply(source, Settlements(), work.sifted.entries, work.tx)
            work.changes.course.ledger = supply.rows


def put(
    changes: Changes, course: AnyCourse, rows: Mapping[str, Settled], gone: Iterable[str]
) -> None:
    """Let ``changes`` write a course's rows, and take away those that have no entries any more."""
    changes.views[course.name] = {customer: one.row for customer, one in rows.items()}
    changes.gone[course.name] = {*changes.gone.get(course.name, ()), *gone}


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
