"""Places in the batch transaction where a process may die, and a process that dies there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from signal import SIGKILL
from typing import Any, Final

from services.fold.apply import Folds, apply
from services.fold.batch import Batch, Slice
from services.log.open import open_log
from services.log.port import Log
from services.projector.projections import READ_MODELS
from services.store.holds import Beside
from services.store.postgres import PostgresStore, PostgresTransaction
from services.store.postgres_courses import PostgresCourses
from services.store.postgres_segments import SegmentedSeen
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from tests.cluster.kept import PROCESSES
from tests.integration.folding import MASTER_KEY

LIVES_S: Final = 60.0
EACH: Final = 2
"""Records of a partition."""
ASKED: Final = ("claim", "quarantined", "groups_of", "conflicted", "facts")
"""What is asked of the transaction itself, in this order."""
WRITTEN: Final = (
    *("identifier", "edge", "purchase_order", "profile", "activity"),
    *("lifecycle", "loyalty", "customer"),
)
ADDED: Final = ("edge_again", "split", "skipped", "outbox", "regrouped")
"""Tables that rows are replaced in, and that they are added to: all in each batch, if none."""
_OWNERS: Final[dict[str, tuple[type, str, str | None]]] = {
    **{f"it asks for {name}": (PostgresTransaction, name, None) for name in ASKED},
    "it takes in ids": (SegmentedSeen, "drop_known", None),
    "it writes ids": (SegmentedSeen, "finish", None),
    "it asks for control": (PostgresCourses, "control", None),
    "it asks for rules": (PostgresCourses, "rules", None),
    "it asks for states": (PostgresCourses, "states", None),
    "it writes": (PostgresTransaction, "save", None),
    **{f"it writes {name}": (PostgresTransaction, "_write", name) for name in WRITTEN},
    **{f"it adds to {name}": (PostgresTransaction, "_insert", name) for name in ADDED},
    "it writes states": (PostgresCourses, "save", None),
}
"""What it does → who does that, by which method, called with which first argument."""
TRANSACTION: Final = "the transaction"


@dataclass(frozen=True, slots=True)
class Death:
    """Where one dies."""

    step: str
    is_after: bool

    @property
    def is_too_late(self) -> bool:
        """Whether all was committed, and only nobody was told."""
        return self.step == TRANSACTION and self.is_after

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} {self.step}"


DEATHS: Final[Sequence[Death]] = [
    Death(step, is_after) for step in (TRANSACTION, *_OWNERS) for is_after in (False, True)
]


def died(urls: Urls, death: Death) -> int | None:
    """Fold the next batch in a process that dies; its exit code."""
    process = PROCESSES.Process(target=_fold, args=(urls, death))
    process.start()
    process.join(LIVES_S)
    process.kill()
    return process.exitcode


def next_batch(log: Log, positions: Mapping[int, int]) -> Batch:
    """A little of each partition that has more."""
    return [
        Slice(at, first, log.read(at, first, EACH))
        for at, end in sorted(log.ends().items())
        if end > (first := positions.get(at, 0))
    ]


def _fold(urls: Urls, death: Death) -> None:
    with (
        closing(open_log(urls.fold)) as log,
        closing(PostgresVault(urls.fold, MASTER_KEY)) as vault,
        closing(PostgresStore(urls.fold, holds=Beside)) as store,
    ):
        batch = next_batch(log, store.checkpoints())
        _arm(death)
        apply(Folds(READ_MODELS, vault), batch, store)


def _arm(death: Death) -> None:
    """Let this process die there, when it next comes there."""
    if death.step == TRANSACTION:
        _arm_transaction(is_after=death.is_after)
        return
    owner, name, first = _OWNERS[death.step]
    whole = getattr(owner, name)

    def mortal(self: object, *given: Any, **named: Any) -> Any:
        is_here = first is None or first == given[0]
        if is_here and not death.is_after:
            _die()
        done = whole(self, *given, **named)
        if is_here:
            _die()
        return done

    setattr(owner, name, mortal)


def _arm_transaction(*, is_after: bool) -> None:
    whole = PostgresStore.transaction

    @contextmanager
    def mortal(self: PostgresStore) -> Iterator[PostgresTransaction]:
        if not is_after:
            _die()
        with whole(self) as transaction:
            yield transaction
        _die()

    PostgresStore.transaction = mortal  # type: ignore[method-assign]


def _die() -> None:
    os.kill(os.getpid(), SIGKILL)
