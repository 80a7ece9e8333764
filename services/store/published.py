"""The port of how far decisions were published, as who publishes them sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.store.deliveries import Move, Place


class Published(Protocol):
    """Every call raises ``Unavailable`` where the store is away."""

    def places(self) -> Mapping[int, Place]:
        """How far each partition was published, and may be; of those that were ever looked at."""

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        """Those of ``offsets`` that the folds left out."""

    def move(self, moves: Mapping[int, Move]) -> None:
        """Move on; raises ``NotOurs`` where somebody else did, and then nothing was done."""
