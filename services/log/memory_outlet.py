"""An outlet in memory: for tests."""

from collections.abc import Sequence

from services.log.outlet import Outbound


class MemoryOutlet:
    """A list of what was sent."""

    def __init__(self) -> None:
        self.sent: list[Outbound] = []

    def send(self, records: Sequence[Outbound]) -> None:
        self.sent += records

    def close(self) -> None:
        """Nothing to give back."""
