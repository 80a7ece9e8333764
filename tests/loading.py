"""What loads go into in tests: ingest's own accept, with everything kept in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from schemas.codec import decode
from schemas.envelope import Recorded
from schemas.problems import Problem
from services.ingest.accept import Producer
from services.ingest.load import Destination, Item, Mark, destination
from services.log.memory import MemoryLog
from services.vault.memory import MemoryVault

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FixedClock:
    """Noon, always."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Memory:
    """A platform that keeps what it is told; ``behind`` has what the folds answer, one by one."""

    log: MemoryLog = field(default_factory=MemoryLog)
    vault: MemoryVault = field(default_factory=MemoryVault)
    letters: dict[str, tuple[bytes, Problem]] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)
    behind: list[int] = field(default_factory=list)
    told: list[Mark] = field(default_factory=list)
    waited: list[int] = field(default_factory=list)

    @property
    def destination(self) -> Destination:
        """Where to load."""
        producer = Producer("shop", "secret", "k_import", "US")
        return destination(
            producer,
            self.log,
            self.vault,
            FixedClock(),
            backlog=self,
            dead_letters=self._Letters(self.letters),
            marks=self._States(self.states),
        )

    def appended(self) -> int:
        return sum(self.log.ends().values())

    def in_flight(self) -> int:
        return self.behind.pop(0) if self.behind else 0

    def at(self, mark: Mark) -> None:
        self.told.append(mark)

    def waiting(self, in_flight: int) -> None:
        self.waited.append(in_flight)

    def recorded(self) -> list[Recorded[Any]]:
        """Every record of the log."""
        return [
            decode(stored.payload)
            for partition in range(self.log.partitions)
            for stored in self.log.read(partition, 0, 1_000_000)
        ]

    @dataclass
    class _Letters:
        kept: dict[str, tuple[bytes, Problem]]

        def keep(self, raw: bytes, problem: Problem, origin: str) -> None:
            self.kept[origin] = (raw, problem)

    @dataclass
    class _States:
        kept: dict[str, bytes]

        def find(self, name: str) -> bytes | None:
            return self.kept.get(name)

        def keep(self, name: str, state: bytes) -> None:
            self.kept[name] = state


def visits(count: int) -> list[Item]:
    """So many web visits of user 1, with ids from v-1 on."""
    return [
        Item(
            b'{"id":"v-%d","type":"web.visited","identifiers":["user:1"],"data":{"page":"home"}}'
            % n,
            n,
            n,
        )
        for n in range(1, count + 1)
    ]
