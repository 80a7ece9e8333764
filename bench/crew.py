"""A crew: workers on a real broker and a PostgreSQL of their own, and what each part costs."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
import psutil
import psycopg
from psycopg.rows import TupleRow

from bench.courses import journeys
from bench.fold import START, event_of
from services.addresses import Addresses
from services.archive.access import Access
from services.commands.policies import defaults
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.kafka.log import KafkaLog
from services.projector.worker import SESSION_S
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.programs import until
from services.store.statements import ALONE
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from tests.cluster.topics import fresh
from tests.cluster.workers import How, Work, Worker, fold

MASTER_KEY: Final = bytes(range(32))
POST: Final = 2_000
PATIENCE_S: Final = 900.0
REPEATED: Final = 0.01
FEW: Final = "few"
EVEN: Final = "even"
HOUSEHOLDS: Final = "households"
CROWDS: Final = (FEW, EVEN, HOUSEHOLDS)
"""Whose events ``arriving`` gives."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A log and a store of their own."""

    urls: Urls
    url: str
    log: KafkaLog
    vault: PostgresVault
    store: PostgresStore
    folder: Path
    server: psutil.Process
    owner: psycopg.Connection[TupleRow]

    def tell(self, raws: Sequence[bytes]) -> None:
        """Accept and append."""
        now = datetime.now(UTC)
        for first in range(0, len(raws), POST):
            chunk = raws[first : first + POST]
            receive(chunk, PRODUCER, now, vault=self.vault, log=self.log)

    def is_folded(self) -> bool:
        """Whether all that is in the log is in rows."""
        came = self.store.checkpoints()
        return all(came.get(partition, 0) >= end for partition, end in self.log.ends().items())

    def is_done(self) -> bool:
        """Whether nothing waits to be settled either, nor to be told."""
        (waits,) = self.owner.execute(_WAITS).fetchone() or (True,)
        return not waits and self.is_folded()

    def wait(self, holds: Callable[[], bool], workers: Sequence[Worker]) -> float:
        """Seconds until it holds."""
        began_s = time.perf_counter()
        for _ in until(PATIENCE_S, every_s=0.02):
            if holds():
                return time.perf_counter() - began_s
        raise AssertionError([worker.said[-2000:] for worker in workers])

    @contextmanager
    def crew(
        self, count: int, working: Callable[[Path], Work] = lambda _: fold
    ) -> Iterator[list[Worker]]:
        """So many workers, once each has its share of a log in which only the rules are.

        ``working`` is what one does who logs to that place.
        """
        ruled = [("bench", event) for event in defaults("bench", "bench", START)]
        receive_control(ruled, datetime.now(UTC), vault=self.vault, log=self.log)
        addresses = Addresses(self.urls, self.url, Access(""), MASTER_KEY)
        with ExitStack() as stack:
            workers = [
                stack.enter_context(
                    Worker(addresses, said, How(session_s=SESSION_S), work=working(said))
                )
                for said in (self.folder / f"said-{number}" for number in range(count))
            ]
            self.wait(lambda: all_have_shares(workers), workers)
            self.wait(self.is_done, workers)
            yield workers


class Cpu(NamedTuple):
    """Seconds of CPU that each part has had."""

    workers: float
    postgres: float
    broker: float

    @classmethod
    def of(cls, bench: Bench, workers: Sequence[Worker]) -> Self:
        """So far; of PostgreSQL's processes also those that ended."""
        own = [psutil.Process(worker.pid) for worker in workers]
        brokers = [one for one in psutil.Process().children() if "java" in one.name()]
        ended_s = sum(bench.server.cpu_times()[2:4])
        server_s = _cpu_s([bench.server, *bench.server.children()]) + ended_s
        return cls(_cpu_s(own), server_s, _cpu_s(brokers))

    def since(self, before: Self, records: int) -> str:
        """Microseconds a record since ``before``."""
        each = [1e6 * (now - was) / records for now, was in zip(self, before, strict=True)]
        parts = ", ".join(
            f"{name} {cost:.1f}" for name, cost in zip(self._fields, each, strict=True)
        )
        return f"{sum(each):.1f} µs of CPU each: {parts}"


@contextmanager
def benched(folder: Path, server: str) -> Iterator[Bench]:
    """PostgreSQL in ``folder``, and a fresh topic."""
    postgres = EmbeddedPostgres(folder / "postgres")
    urls = postgres.start()
    try:
        migrate(urls.owner)
        url = fresh(server)
        found = postgres.postmaster()
        assert found is not None
        with (
            closing(KafkaLog(url)) as log,
            closing(PostgresVault(urls.fold, MASTER_KEY)) as vault,
            closing(PostgresStore(urls.fold)) as store,
            psycopg.connect(urls.owner, autocommit=True) as owner,
        ):
            postmaster = psutil.Process(found.pid)
            yield Bench(urls, url, log, vault, store, folder, postmaster, owner)
    finally:
        postgres.stop()


def arriving(count: int, newcomers: float, crowd: str = FEW, seed: int = 1) -> list[bytes]:
    """``count`` events as bench.fold's, this share of them the first of a customer.

    All others are of customers who came before; with ``FEW`` half of them of a few who come often,
    of whom one makes a sixth of all. One event in a hundred repeats an earlier one. Households are
    those of Complete Journey, with the first events of that.
    """
    if crowd == HOUSEHOLDS:
        return [*journeys(count)]
    often = 0.5 if crowd == FEW else 0.0
    chance, known, events = random.Random(seed), 0, list[bytes]()
    for number in range(count):
        if number and chance.random() < REPEATED:
            events.append(events[chance.randrange(number)])
            continue
        if not known or chance.random() < newcomers:
            known += 1
            who = known
        elif chance.random() < often:
            who = min(int(chance.paretovariate(0.6)), known)
        else:
            who = chance.randint(1, known)
        at = START + timedelta(seconds=number)
        events.append(msgspec.json.encode(event_of(chance, number, who, at)))
    return events


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


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


PRODUCER: Final = Producer("bench", "write", "k", "DE")
_WAITS: Final = """
    SELECT EXISTS (SELECT FROM live.unsettled) OR EXISTS (SELECT FROM touchline.outbox)
"""
