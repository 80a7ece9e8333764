"""How far the folds are behind the log."""

from services.log.port import Log
from services.store.port import Store


class LogBacklog:
    """Compares the log's ends with the store's checkpoints."""

    def __init__(self, log: Log, store: Store) -> None:
        self._log, self._store = log, store

    def appended(self) -> int:
        """Records in the log."""
        return sum(self._log.ends().values())

    def in_flight(self) -> int:
        """Records in the log that are not applied yet."""
        applied = self._store.checkpoints()
        return sum(end - applied.get(partition, 0) for partition, end in self._log.ends().items())
