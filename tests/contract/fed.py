"""A feed for tests: a log, what the projector says of it, and an archive that may fail."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.archive.feed import feed_once, prepare
from services.archive.memory import MemoryArchive, MemoryProgress
from services.archive.port import Piece
from services.errors import Unavailable
from services.log.memory import MemoryLog
from services.log.port import Entry
from tests.contract.archive import ADA, piece, recorded


@dataclass
class Fed:
    """A log, what the projector says of it, and an archive."""

    log: MemoryLog
    progress: MemoryProgress
    archive: MemoryArchive

    def record(self, partition: int, count: int) -> None:
        """``count`` further events in ``partition``, all applied."""
        first = self.log.ends()[partition]
        events = (recorded(f"{partition}-{first + number:06}") for number in range(count))
        payloads = [record.payload for record in piece(*events).records]
        self.log.append([Entry(partition, payload) for payload in payloads])
        self.progress.next[partition] = first + count

    def skip(self, partition: int, *offsets: int) -> None:
        self.progress.left_out.setdefault(partition, set()).update(offsets)

    def feed(self) -> None:
        prepare(self.log, self.progress, self.archive)
        while feed_once(self.log, self.progress, self.archive):
            pass

    def found(self) -> list[str]:
        """The ids of everything archived."""
        return sorted(touch.id for touch in self.archive.timeline("w", [ADA], limit=10**9))

    def expected(self) -> list[str]:
        """The ids of everything that counted."""
        return sorted(
            f"{partition}-{offset:06}"
            for partition, end in self.progress.next.items()
            for offset in range(end)
            if offset not in self.progress.left_out.get(partition, ())
        )


class Flaky(MemoryArchive):
    """Does or does not do what it is asked, and says neither."""

    def __init__(self, outcomes: Sequence[bool]) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        if not self.outcomes:
            super().insert(pieces, token)
            return
        if self.outcomes.pop(0):
            super().insert(pieces, token)
        raise Unavailable("the connection broke")
