"""An inbox in memory: for tests, and the measure of what the other adapter must do."""

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Final

from services.log.inbox import Inbound

_LONGEST_S: Final = 3600.0


class MemoryTopic:
    """A topic of one partition, which outlives the inboxes that read it one after the other."""

    def __init__(self, name: str = "touchline.inbox") -> None:
        self.name = name
        self.records: list[Inbound] = []
        self.done = 0
        """How many need never come again."""
        self.changed = threading.Condition()

    def send(self, value: bytes | None, *headers: tuple[str, bytes | None]) -> None:
        """As a producer."""
        with self.changed:
            self.records.append(Inbound(self.name, 0, len(self.records), value, headers))
            self.changed.notify_all()


class MemoryInbox:
    """One process' hold on a topic; gone with the process."""

    def __init__(self, topic: MemoryTopic) -> None:
        self._topic = topic
        self._at = topic.done

    def take(self, limit: int, timeout_s: float) -> Sequence[Inbound]:
        ends_s = monotonic() + min(timeout_s, _LONGEST_S)
        with self._topic.changed:
            while len(self._topic.records) <= self._at and (left_s := ends_s - monotonic()) > 0:
                self._topic.changed.wait(left_s)
            found = self._topic.records[self._at :][:limit]
            self._at += len(found)
        return found

    def done(self) -> None:
        with self._topic.changed:
            self._topic.done = self._at

    def waiting(self) -> int:
        return len(self._topic.records) - self._topic.done

    def close(self) -> None:
        """Nothing to give back: what is not done is the next one's."""
