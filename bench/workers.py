"""Workers on Kafka: events a second from the log to committed rows, by one and by two of them.

    python -m bench.workers [--events 200000] [--customers 20000] [--workers 1 2]

The events are those of bench.fold (identity, orders, profiles, lifecycle, loyalty, ids, decisions),
in 16 partitions of a real broker, which is on the same machine as PostgreSQL and the workers. They
are in the log before anybody folds, and every worker has its share by then. What is decided on the
way is relayed to the log and folded too. At last one worker is killed, and what is appended
then is timed until all of it is in rows.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Final

import psutil
import psycopg

from bench.fold import START, posted
from bench.machine import banner
from services.addresses import Addresses
from services.commands.policies import defaults
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.kafka.connection import quiet
from services.log.kafka.log import KafkaLog
from services.projector.worker import SESSION_S
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.programs import until
from services.store.statements import ALONE
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from tests.cluster.broker import Broker
from tests.cluster.topics import fresh
from tests.cluster.workers import How, Worker

MASTER_KEY: Final = bytes(range(32))
POST: Final = 2_000
PATIENCE_S: Final = 900.0
AFTERWARDS: Final = 2_000
"""Events that are appended once a worker was killed."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A log and a store of their own."""

    urls: Urls
    url: str
    log: KafkaLog
    vault: PostgresVault
    store: PostgresStore
    folder: Path

    def tell(self, raws: Sequence[bytes]) -> None:
        """Accept and append."""
        producer, now = Producer("bench", "write", "k", "DE"), datetime.now(UTC)
        for first in range(0, len(raws), POST):
            chunk = raws[first : first + POST]
            receive(chunk, producer, now, vault=self.vault, log=self.log)

    def is_done(self) -> bool:
        """Whether all that is in the log is in rows."""
        came = self.store.checkpoints()
        return all(came.get(partition, 0) >= end for partition, end in self.log.ends().items())

    def wait(self, workers: Sequence[Worker]) -> float:
        """Seconds until that is so."""
        began_s = time.perf_counter()
        for _ in until(PATIENCE_S, every_s=0.02):
            if self.is_done():
                return time.perf_counter() - began_s
        raise AssertionError([worker.said[-2000:] for worker in workers])


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    quiet()
    banner("workers", "faust-streaming", "aiokafka")
    raws = posted(given.events + AFTERWARDS, given.customers)
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder, ExitStack() as stack:
        (Path(folder) / "kafka").mkdir()
        broker = stack.enter_context(Broker(Path(folder) / "kafka"))
        for count in given.workers:
            place = Path(folder) / f"workers-{count}"
            with benched(place, broker.server) as bench:
                measure(bench, raws, count)


@contextmanager
def benched(folder: Path, server: str) -> Iterator[Bench]:
    """PostgreSQL in ``folder``, and a fresh topic."""
    postgres = EmbeddedPostgres(folder / "postgres")
    urls = postgres.start()
    try:
        migrate(urls.owner)
        url = fresh(server)
        with (
            closing(KafkaLog(url)) as log,
            closing(PostgresVault(urls.fold, MASTER_KEY)) as vault,
            closing(PostgresStore(urls.fold)) as store,
        ):
            yield Bench(urls, url, log, vault, store, folder)
    finally:
        postgres.stop()


def measure(bench: Bench, raws: Sequence[bytes], count: int) -> None:
    """How fast ``count`` workers fold, and how soon others go on where one was killed."""
    ruled = [("bench", event) for event in defaults("bench", "bench", START)]
    receive_control(ruled, datetime.now(UTC), vault=bench.vault, log=bench.log)
    addresses = Addresses(bench.urls, bench.url, "", MASTER_KEY)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                Worker(addresses, bench.folder / f"said-{number}", How(session_s=SESSION_S))
            )
            for number in range(count)
        ]
        for _ in until(PATIENCE_S, every_s=0.1):
            if all_have_shares(workers):
                break
        bench.wait(workers)
        with held(bench.urls):
            bench.tell(raws[:-AFTERWARDS])
            before_s = cpu_s([worker.pid for worker in workers])
        taken_s = bench.wait(workers)
        own_s = cpu_s([worker.pid for worker in workers]) - before_s
        records = sum(bench.store.checkpoints().values())
        each = 1e6 / records
        print(
            f"{count} worker{'s' if count > 1 else ' '} {records:9,} records"
            f" {records / taken_s:10,.0f} /s {each * taken_s:8.1f} µs each"
            f" (own CPU {each * own_s:6.1f})"
        )
        if count > 1:
            workers[0].send(SIGKILL)
            began_s = time.perf_counter()
            bench.tell(raws[-AFTERWARDS:])
            bench.wait(workers)
            print(f"  one killed: all that came then was in rows {_since(began_s):.1f} s later")


def all_have_shares(workers: Sequence[Worker]) -> bool:
    """Whether each was given the share that it has last, beside the others."""
    lines = [
        [line for line in worker.said.splitlines() if "projector.took_over" in line]
        for worker in workers
    ]
    shares = [line[-1].partition("]")[0].count(",") + 1 if line else 0 for line in lines]
    return all(shares) and sum(shares) == 16


@contextmanager
def held(urls: Urls) -> Iterator[None]:
    """Nobody folds until the block ends."""
    with psycopg.connect(urls.fold) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute(ALONE.encode())
        yield


def cpu_s(pids: Sequence[int]) -> float:
    """Seconds of CPU that these processes have had."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def _since(began_s: float) -> float:
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
