"""Due: the rows that wait, for the end of a backlog or for their time to come."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from services.fold.apply import Folds
from services.fold.course import Run, Supply, Touched
from services.fold.deciding import Cause, decide
from services.fold.rules import Time
from services.fold.run import put
from services.fold.settlements import Settlements
from services.fold.source import FactsSource, Source
from services.fold.supply import LedgerSupply
from services.store.course import Unsettled
from services.store.port import Changes, Identifier, Store, Transaction

MOST: Final = 500
"""Customers of one transaction, a quarter of a second's work, where nobody waits for it."""


def settle_due(folds: Folds, store: Store, at_most: int = MOST) -> int:
    """Settle some of the rows that wait; gives how many, 0 once none is left.

    First those that a backlog left waiting, then those that the passing of time changes; whom
    another worker has at hand are left to it. What is decided by that leaves with it. Raises
    ``Unavailable``: then ask again.
    """
    with store.transaction() as tx:
        tx.claim({})
        time = folds.shelf.time(tx.courses, None, ())
        waiting = tx.courses.waiting(at_most) if time.has_unsettled else ()
        work = _waiting(waiting, folds, tx) if waiting else _due(folds, time, tx, at_most)
        done = sum(len(touched.members) for touched in work.touched)
        if done:
            tx.save(_settled(work, folds, time, tx))
    return done


@dataclass(frozen=True, slots=True)
class _Work:
    """Each course's customers, and what is told of them."""

    touched: Sequence[Touched]
    cause_of: Callable[[str], Cause]
    settled: Collection[str] = ()
    """Who waits no more."""


def _due(folds: Folds, time: Time, tx: Transaction, at_most: int) -> _Work:
    by_tick = Cause.of_tick(time.tick)
    due = [tx.courses.due(course.name, time.tick, at_most) for course, _ in folds.models.courses]
    members = _members({customer for found in due for customer in found}, tx)
    # A batch beside us may have left them waiting since they were found.
    waiting = {one.customer_id for one in tx.courses.unsettled(members)} if members else ()
    touched = [
        Touched({customer: members[customer] for customer in found if customer not in waiting})
        for found in due
    ]
    return _Work(touched, lambda _: by_tick)


def _waiting(rows: Iterable[Unsettled], folds: Folds, tx: Transaction) -> _Work:
    causes = {one.customer_id: Cause(one.key.decode(), *one[3:]) for one in rows}
    touched = Touched(_members([*causes], tx), regrouped=frozenset(causes))
    return _Work([touched] * len(folds.models.courses), causes.__getitem__, causes.keys())


def _settled(work: _Work, folds: Folds, time: Time, tx: Transaction) -> Changes:
    changes, settled = Changes(), {}
    for (course, source), touched in zip(folds.models.courses, work.touched, strict=True):
        rows, gone = Run(course, _supply(source, tx), time, tx).settle(touched)
        settled[course.name] = rows
        put(changes, course, rows, gone)
    changes.course.settled = work.settled
    if not folds.is_replay:
        told = decide(settled, work.cause_of, tx)
        changes.outbox, changes.course.decided = told.outbox, told.decided
    return changes


def _members(customers: Collection[str], tx: Transaction) -> Mapping[str, Sequence[Identifier]]:
    members: dict[str, list[Identifier]] = defaultdict(list)
    for one in tx.courses.members(customers) if customers else ():
        members[one.customer_id].append(one)
    return {customer: sorted(members[customer]) for customer in customers}


def _supply(source: Source, tx: Transaction) -> Supply:
    if isinstance(source, FactsSource):
        return StoredFacts(source, tx)
    return LedgerSupply(source, Settlements(), {}, tx)


class StoredFacts:
    """Entries of customers to whom nothing new happened."""

    def __init__(self, source: FactsSource, tx: Transaction) -> None:
        self._source, self._tx = source, tx

    def fresh(self, _leaves: Sequence[str]) -> Sequence[Any]:
        """As ``Supply`` says."""
        return ()

    def all(self, customers: Mapping[str, Sequence[str]]) -> Mapping[str, Iterable[Any]]:
        """As ``Supply`` says."""
        projection = self._source.projection
        every = {leaf for leaves in customers.values() for leaf in leaves}
        decode, stored = projection.decoder(), self._tx.facts(projection.name, every)
        return {
            customer: self._source.entries_of(
                reduce(
                    projection.merge,
                    [decode(stored[leaf]) for leaf in leaves if leaf in stored],
                    projection.initial,
                )
            )
            for customer, leaves in customers.items()
        }
