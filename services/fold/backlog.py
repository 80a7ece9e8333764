"""How far the folds are behind the log."""

from contextlib import AbstractContextManager
from typing import Protocol

from services.log.port import CONTROL, Log
from services.store.port import Store


class Outbox(Protocol):
    """What is asked of the outbox."""

    def moving(self) -> AbstractContextManager[None]:
        """A time in which nothing leaves it."""

    def relayed(self) -> int:
        """How many rows ever left it."""


class LogBacklog:
    """Compares the log's ends with the store's checkpoints."""

    def __init__(self, log: Log, store: Store, outbox: Outbox) -> None:
        self._log, self._store, self._outbox = log, store, outbox

    def appended(self) -> int:
        """Records in the log: what the platform itself decided, and its ticks, aside.

        What is about to be decided may count as decided, so there may be more, never fewer.
        """
        with self._outbox.moving():
            ends = self._log.ends()
            own = self._outbox.relayed()
        return sum(end for partition, end in ends.items() if partition != CONTROL) - own

    def in_flight(self) -> int:
        """Records in the log that are not applied yet."""
        applied = self._store.checkpoints()
        return sum(end - applied.get(partition, 0) for partition, end in self._log.ends().items())
