"""What one transaction takes from the log: consecutive records of one or more partitions."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.log.port import Stored


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition, the first at ``first``."""

    partition: int
    first: int
    records: Sequence[Stored]

    @property
    def next(self) -> int:
        """The partition's next offset once these are applied."""
        return self.first + len(self.records)


Batch = Sequence[Slice]
