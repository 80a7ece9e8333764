"""The seen port in memory."""

from collections.abc import Mapping, Sequence

from services.store.seen import Seen


class MemorySeen:
    """One transaction's look at the ids; ``new`` is what its commit adds to them."""

    def __init__(self, stored: Mapping[str, Seen]) -> None:
        self._stored = stored
        self.new: dict[str, Seen] = {}

    def drop_known(self, rows: Sequence[Seen]) -> Mapping[int, Seen]:
        """As the port says."""
        known: dict[int, Seen] = {}
        for index, row in enumerate(rows):
            stands = self._stored.get(row.id_hash) or self.new.get(row.id_hash)
            if stands is None:
                self.new[row.id_hash] = row
            else:
                known[index] = stands
        return known
