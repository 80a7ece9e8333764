"""A clock that jumps, as that of a machine whose time is set, or which slept."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

FARTHEST_S: Final = 2 * 86_400
OFTEN: Final = 0.25


class JumpingClock:
    """Some of the times that it is asked it has moved before: by days, ahead or back."""

    def __init__(self, seed: int) -> None:
        self._chance, self._ahead = Random(seed), timedelta()
        self.jumps = 0

    def now(self) -> datetime:
        """This instant, as far as it knows."""
        if self._chance.random() < OFTEN:
            self.jumps += 1
            self._ahead = timedelta(seconds=self._chance.randint(-FARTHEST_S, FARTHEST_S))
        return datetime.now(UTC) + self._ahead
