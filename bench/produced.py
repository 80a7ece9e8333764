"""Produced to visible: from the append to Kafka until the rows that workers write tell of it.

    python -m bench.produced [--rate 5000] [--seconds 20] [--crowd few] [--newcomers 0.02]
                             [--workers 2]

Events of a crowd (bench.crew's) are appended at an even pace, a hundredth of a second's at a time,
sealed before; first as many as in four seconds are folded, so that most are of known customers.
Another connection looks how far the rows are, whenever workers tell that they committed. The time
is from before the append, whose acknowledgement it takes in, until then; of each event. Producer,
broker, PostgreSQL and workers share the machine.
"""

import argparse
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

import psycopg

from bench.crew import CROWDS, FEW, PRODUCER, Bench, Cpu, arriving, benched
from bench.machine import banner
from services.ingest.accept import Accepted, accept
from services.ingest.receive import partition
from services.log.kafka.connection import quiet
from services.log.kafka.log import KafkaLog
from services.log.port import Entry
from services.store.folded import PostgresFolded
from services.store.urls import Urls
from tests.cluster.broker import Broker

EVERY_S: Final = 0.01
LOOK_S: Final = 0.1
"""Nobody who looks that often is told too late, should what workers tell be lost."""
WARM_S: Final = 4
WITHIN_S: Final = 120.0
"""Once nothing more became visible for so long, what is left is given up."""
TARGET_P95_MS: Final = 50.0
TARGET_P99_MS: Final = 100.0
CAME: Final = "SELECT partition, next_offset FROM live.checkpoint"
UNSETTLED: Final = "SELECT count(*) FROM live.unsettled"


class Sent(NamedTuple):
    """Events of one append that a partition took."""

    at_s: float
    end: int
    events: int


@dataclass(slots=True)
class Watch:
    """What was sent, and how long it took until it was seen."""

    waiting: dict[int, deque[Sent]] = field(default_factory=dict)
    sent: int = 0
    took_ms: list[float] = field(default_factory=list)

    def send(self, log: KafkaLog, entries: Sequence[Entry]) -> None:
        """Append them, and note when that began."""
        began_s, counts = time.perf_counter(), dict[int, int]()
        for entry in entries:
            counts[entry.partition] = counts.get(entry.partition, 0) + 1
        for at, end in log.append(entries).items():
            self.waiting.setdefault(at, deque()).append(Sent(began_s, end, counts[at]))
        self.sent += len(entries)

    def look(self, came: dict[int, int]) -> None:
        """So far the rows are."""
        now_s = time.perf_counter()
        for at, waiting in list(self.waiting.items()):
            while waiting and waiting[0].end <= came.get(at, 0):
                found = waiting.popleft()
                self.took_ms += [1_000 * (now_s - found.at_s)] * found.events

    @contextmanager
    def looking(self, urls: Urls) -> Iterator[None]:
        """For as long as the block lasts, and until everything is seen."""
        done = threading.Event()

        def look() -> None:
            with (
                psycopg.connect(urls.owner, autocommit=True) as connection,
                closing(PostgresFolded(urls.fold)) as folded,
            ):
                moved_s = time.monotonic()
                while len(self.took_ms) < self.sent or not done.is_set():
                    seen = len(self.took_ms)
                    self.look(dict(connection.execute(CAME, prepare=True).fetchall()))
                    if len(self.took_ms) > seen or not done.is_set():
                        moved_s = time.monotonic()
                    elif time.monotonic() > moved_s + WITHIN_S:
                        return
                    folded.wait(LOOK_S)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def main() -> None:
    """Print the percentiles."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--crowd", choices=CROWDS, default=FEW)
    parser.add_argument("--newcomers", type=float, default=0.02)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    quiet()
    banner("produced", "faust-streaming", "aiokafka")
    raws = arriving(given.rate * (given.seconds + WARM_S), given.newcomers, given.crowd)
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        (Path(folder) / "kafka").mkdir()
        with (
            Broker(Path(folder) / "kafka") as broker,
            benched(Path(folder) / "workers", broker.server) as bench,
        ):
            measure(bench, raws, given.rate, given.workers)


def measure(bench: Bench, raws: Sequence[bytes], rate: int, count: int) -> None:
    """Send at that pace, and print how soon it is seen."""
    warm = rate * WARM_S
    with bench.crew(count) as workers, closing(KafkaLog(bench.url)) as log:
        bench.tell(raws[:warm])
        bench.wait(bench.is_done, workers)
        entries = sealed(bench, raws[warm:])
        watch, before, told = Watch(), Cpu.of(bench, workers), records(bench)
        with watch.looking(bench.urls):
            slowest_ms = sent(watch, log, entries, rate)
        waiting = unsettled(bench)
        bench.wait(bench.is_done, workers)
        cost = Cpu.of(bench, workers).since(before, records(bench) - told)
    cuts = quantiles(watch.took_ms, n=100)
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    is_kept = p95 <= TARGET_P95_MS and p99 <= TARGET_P99_MS
    print(
        f"{len(watch.took_ms):,} events at {rate:,} /s: p50 {p50:.0f} ms, p95 {p95:.0f} ms,"
        f" p99 {p99:.0f} ms; target {TARGET_P95_MS:.0f} and {TARGET_P99_MS:.0f}:"
        f" {'kept' if is_kept else 'MISSED'}"
    )
    print(f"  the producer was late by {slowest_ms:.0f} ms at most; {waiting} customers waited")
    print(f"  {cost}")


def sealed(bench: Bench, raws: Sequence[bytes]) -> list[Entry]:
    """As ingest would append them."""
    found = accept(raws, PRODUCER, datetime.now(UTC), bench.vault)
    return [
        Entry(partition(event, bench.log.partitions), event.payload)
        for event in found
        if isinstance(event, Accepted)
    ]


def sent(watch: Watch, log: KafkaLog, entries: Sequence[Entry], rate: int) -> float:
    """Append them at an even pace; gives by how many ms that was late at most."""
    size, pace = max(1, int(rate * EVERY_S)), threading.Event()
    began_s, late_s = time.perf_counter(), 0.0
    for turn, first in enumerate(range(0, len(entries), size)):
        ahead_s = began_s + turn * EVERY_S - time.perf_counter()
        late_s = max(late_s, -ahead_s)
        pace.wait(max(0.0, ahead_s))
        watch.send(log, entries[first : first + size])
    return 1_000 * late_s


def records(bench: Bench) -> int:
    """How many are in rows."""
    return sum(bench.store.checkpoints().values())


def unsettled(bench: Bench) -> int:
    """How many customers' rows wait."""
    return int((bench.owner.execute(UNSETTLED).fetchone() or (0,))[0])


if __name__ == "__main__":
    main()
