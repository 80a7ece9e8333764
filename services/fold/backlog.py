"""How far the folds are behind the log."""

from collections.abc import Callable

from services.log.port import CONTROL, Log
from services.store.port import Store


class LogBacklog:
    """Compares the log's ends with the store's checkpoints."""

    def __init__(self, log: Log, store: Store, relayed: Callable[[], int]) -> None:
        self._log, self._store, self._relayed = log, store, relayed

    def appended(self) -> int:
        """Records in the log: what the platform itself decided, and its ticks, aside.

        What is on its way there counts as decided, so it may be that there are more, never fewer.
        """
        ends = self._log.ends()
        # Asked afterwards: by then as many at least were relayed as are in the log.
        return sum(end for partition, end in ends.items() if partition != CONTROL) - self._relayed()

    def in_flight(self) -> int:
        """Records in the log that are not applied yet."""
        applied = self._store.checkpoints()
        return sum(end - applied.get(partition, 0) for partition, end in self._log.ends().items())
