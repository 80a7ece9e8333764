"""A simulated platform: one thread, a seeded chance, and everything that goes wrong around a batch.

Producers repeat what they were not told of, reads come short or fail, transactions end before they
are written, half-way, or after the commit without an answer; folds die, and zombies go on.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from schemas.envelope import Recorded
from services.errors import TouchlineError, Unavailable
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.log.memory import MemoryLog
from services.log.port import Entry, Position, Stored
from services.projector.projections import READ_MODELS
from services.store.memory import MemoryStore, MemoryTransaction
from services.store.port import Changes
from tests.histories import History, entry

PARTITIONS: Final = 4
FOLDERS: Final = 3
"""Loops at work: one that is ours, and those that died or do not know that they should have."""


class Cut(Unavailable):
    """The line was cut."""


@dataclass
class Chance:
    """What goes wrong, and how often it did."""

    random: Random
    happened: Counter[str] = field(default_factory=Counter)
    is_calm: bool = False
    """Nothing goes wrong any more."""

    def strikes(self, what: str, often: float) -> bool:
        """Whether it goes wrong now."""
        struck = not self.is_calm and self.random.random() < often
        self.happened[what] += struck
        return struck


class FaultyLog(MemoryLog):
    """A log behind a line that fails."""

    def __init__(self, chance: Chance) -> None:
        super().__init__(PARTITIONS)
        self._chance = chance

    def append(self, entries: Sequence[Entry]) -> Position:
        if self._chance.strikes("an append is lost", 0.1):
            raise Cut("before the append")
        position = super().append(entries)
        if self._chance.strikes("an acknowledgement is lost", 0.1):
            raise Cut("after the append")
        return position

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        if self._chance.strikes("a read fails", 0.03):
            raise Cut("while reading")
        records = super().read(partition, offset, limit)
        if records and self._chance.strikes("a read comes short", 0.2):
            return records[: self._chance.random.randrange(1, len(records) + 1)]
        return records

    def ends(self) -> Position:
        found = super().ends()
        if self._chance.strikes("an end is seen late", 0.2):
            return {at: end - self._chance.random.randrange(end + 1) for at, end in found.items()}
        return found


class FaultyStore(MemoryStore):
    """A store behind a line that fails, at any step of a transaction."""

    def __init__(self, chance: Chance) -> None:
        super().__init__()
        self._chance = chance

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        chance = self._chance
        if chance.strikes("a transaction never begins", 0.05):
            raise Cut("before the transaction")
        with super().transaction() as transaction:
            yield _Failing(transaction, chance)  # type: ignore[misc] # has all of it by __getattr__
            if chance.strikes("a commit fails", 0.1):
                raise Cut("before the commit")
        if chance.strikes("a commit is not answered", 0.1):
            raise Cut("after the commit")


class _Failing:
    """A transaction whose statements may fail."""

    def __init__(self, transaction: MemoryTransaction, chance: Chance) -> None:
        self._transaction, self._chance = transaction, chance

    def __getattr__(self, name: str) -> Any:
        if self._chance.strikes("a statement fails", 0.01):
            raise Cut(f"while asking for {name}")
        return getattr(self._transaction, name)

    def save(self, changes: Changes) -> None:
        self._transaction.save(changes)
        if self._chance.strikes("a write fails half-way", 0.05):
            raise Cut("while writing")


class Platform:
    """Producers, the log, folders and the store, a step at a time in any order."""

    def __init__(self, history: History, random: Random) -> None:
        self.chance = Chance(random)
        self.log, self.store = FaultyLog(self.chance), FaultyStore(self.chance)
        self._history = history
        self._waiting = [*history.events]
        self.acknowledged: list[Recorded[Any]] = []
        self._folders = [self._folder()]

    def run(self) -> None:
        """Until everything is acknowledged; then, with nothing going wrong, until all is folded."""
        while self._waiting:
            self.step()
        self.chance.is_calm = True
        last = self._folder()
        last.drain()

    def step(self) -> None:
        """Somebody does something."""
        random = self.chance.random
        if random.random() < 0.4:
            self._produce(random.randrange(1, 5))
            return
        if self.chance.strikes("a folder dies", 0.1):
            self._folders = [*self._folders[1 - FOLDERS :], self._folder()]
        # An older one is a zombie: it is at work though others took over.
        folder = random.choice(self._folders)
        try:
            folder.once()
        except TouchlineError:
            self.chance.happened["a folder waits"] += 1

    def _produce(self, count: int) -> None:
        """Send some; what is not acknowledged is sent again later, in other company."""
        some, self._waiting = self._waiting[:count], self._waiting[count:]
        try:
            self.log.append([entry(event, PARTITIONS) for event in some])
        except Unavailable:
            self._waiting += some
        else:
            self.acknowledged += some

    def _folder(self) -> Loop:
        return Loop(Folds(READ_MODELS, self._history.vault), self.log, self.store)
