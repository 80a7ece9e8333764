"""What a run costs: time, and the processor time of everybody who takes part in it.

Time is what counts, on a machine that does nothing else; beside other work, processor time tells
more, and tells who needs it.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from bench.peers.running import Process
from services.store.programs import processes_of


class Cost(NamedTuple):
    """Seconds of processor time."""

    own_s: float
    broker_s: float
    postgres_s: float

    def since(self, before: Self) -> "Cost":
        """What came after ``before``."""
        return Cost(*(now - then for now, then in zip(self, before, strict=True)))


@dataclass(frozen=True, slots=True)
class Run:
    """How long somebody took, and what it cost."""

    title: str
    events: int
    seconds: float
    cost: Cost

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cost_us(self) -> float:
        """Processor time an event, everybody's."""
        return 1e6 * sum(self.cost) / self.events

    def __str__(self) -> str:
        own, broker, postgres = (1e6 * one / self.events for one in self.cost)
        return (
            f"{self.title:44}{self.events:10,} events{self.rate:9,.0f} /s; CPU an event"
            f"{self.cost_us:7.1f} µs (own {own:.1f}, broker {broker:.1f}, "
            f"PostgreSQL {postgres:.1f})"
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads the processor time that was had so far."""

    broker: Sequence[int]
    """Its process; none where it is another machine's."""
    home: Path
    """PostgreSQL's folder."""

    def read(self, processes: Sequence[Process]) -> Cost:
        """Of ``processes``, the broker, and all of PostgreSQL."""
        own = [process.pid for process in processes]
        return Cost(_had_s(own), _had_s(self.broker), _had_s(processes_of(self.home)))


def _had_s(pids: Iterable[int]) -> float:
    return sum(map(_one_had_s, pids))


def _one_had_s(pid: int) -> float:
    with suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0
