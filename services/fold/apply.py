"""The batch transaction: one handler for every runtime."""

from dataclasses import dataclass, field
from typing import NamedTuple

from services.fold.batch import Batch
from services.fold.gather import gather
from services.fold.read_models import ReadModels
from services.fold.rules import Shelf
from services.fold.run import How
from services.fold.take import take
from services.store.port import Changes, Store, Tally, Transaction
from services.vault.port import Vault


@dataclass(frozen=True, slots=True)
class Folds:
    """What a batch is folded with."""

    models: ReadModels
    vault: Vault
    is_replay: bool = False
    """A replay reads decisions back: it sends nothing and writes no letters anew."""
    shelf: Shelf = field(default_factory=Shelf)
    """The rules as last read: of one store only."""


class Applied(NamedTuple):
    """What became of a batch."""

    tally: Tally
    touches: int
    """How many of its records are events of customers."""
    left: int = 0
    """Customers of it whose rows wait to be settled."""


def apply(folds: Folds, batch: Batch, store: Store, *, is_backlog: bool = False) -> Applied:
    """Fold ``batch``, in log order, into every projection; gives what became of its records.

    Rows, dead letters, outbox and checkpoints commit together: a batch given again raises
    ``NotOurs`` and changes nothing, a failed one leaves no trace. Acknowledge the batch only after
    this returns. Raises ``Unavailable`` where the store is away or another worker was in the way:
    give the batch again. Of a backlog the rows of courses are left for ``settle_due``, and of
    whoever waits.
    """
    with store.transaction() as tx:
        changes = work_out(folds, batch, tx, is_backlog=is_backlog)
        tx.save(changes)
    tally = Tally(*(sum(counts) for counts in zip(Tally(), *changes.tallies.values(), strict=True)))
    return Applied(tally, changes.touches, changes.course.left)


def rehearse(folds: Folds, batch: Batch, store: Store) -> None:
    """Work out what ``batch`` would change, and change nothing; raises what ``apply`` would."""
    try:
        with store.transaction() as tx:
            work_out(folds, batch, tx)
            raise _Rehearsed
    except _Rehearsed:
        pass


class _Rehearsed(Exception):
    """Leaves a transaction without a trace."""


def work_out(folds: Folds, batch: Batch, tx: Transaction, *, is_backlog: bool = False) -> Changes:
    """Claim the partitions and find everything that ``batch`` changes."""
    tx.claim({piece.partition: piece.first for piece in batch})
    taken = take(batch, tx, folds.vault)
    how = How(is_replay=folds.is_replay, is_backlog=is_backlog)
    changes = gather(taken, tx, folds.models, folds.shelf, how=how)
    changes.skipped = taken.skipped
    changes.conflicted |= taken.conflicted
    changes.tallies = taken.tallies()
    changes.advance = {piece.partition: piece.next for piece in batch}
    if not folds.is_replay:
        changes.letters = taken.letters
        changes.outbox = [*taken.outbox, *changes.outbox]
    return changes
