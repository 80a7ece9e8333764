"""Due: the rows that time alone changes, settled as far as the last tick."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from services.fold.apply import Folds
from services.fold.course import AnyCourse, Run, Supply, Touched
from services.fold.deciding import Cause, decide
from services.fold.rules import Time
from services.fold.run import put
from services.fold.settlements import Settlements
from services.fold.source import FactsSource, Source
from services.fold.supply import LedgerSupply
from services.store.port import Changes, Identifier, Store, Transaction

CUSTOMERS: Final = 2_000
"""Of one transaction: batches wait for it no longer than for one another."""


def settle_due(folds: Folds, store: Store) -> int:
    """Settle some of the rows that are due; gives how many, 0 once none is left.

    What it decides by that leaves with it. Raises ``Unavailable``: then ask again.
    """
    changes, done = Changes(), 0
    with store.transaction() as tx:
        tx.claim({})
        time = folds.shelf.time(tx.courses, None, ())
        settled = {}
        for course, source in folds.models.courses:
            touched = _touched(course, time, tx)
            rows, gone = Run(course, _supply(source, tx), time, tx).settle(touched)
            settled[course.name] = rows
            put(changes, course, rows, gone)
            done += len(touched.members)
        if done and not folds.is_replay:
            by_tick = Cause.of_tick(time.tick)
            told = decide(settled, lambda _: by_tick, tx)
            changes.outbox, changes.course.decided = told.outbox, told.decided
        if done:
            tx.save(changes)
    return done


def _touched(course: AnyCourse, time: Time, tx: Transaction) -> Touched:
    due = tx.courses.due(course.name, time.tick, CUSTOMERS)
    members: dict[str, list[Identifier]] = defaultdict(list)
    for one in tx.courses.members(due) if due else ():
        members[one.customer_id].append(one)
    return Touched({customer: sorted(members[customer]) for customer in due})


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
