"""Folding: events a second from the log to committed rows, and where the time goes.

    python -m bench.fold [--events 200000] [--customers 20000] [--runs 3] [--profile]

The events are sealed records of about 450 bytes (purchases, calls, visits, descriptions; two
identifiers each), skewed over customers, in 16 partitions of a log in PostgreSQL. Identity, orders,
profiles, lifecycle (three machines) and loyalty are folded, repetitions (1 %) dropped. Each run
folds the whole log into fresh tables. Own CPU is the folding process's; the server's is its
backend's, which leaves out its writers. What lifecycle and loyalty cost of it: bench.courses.

Baselines, in the same database: the same folds with one transaction an event, which wait for the
disk once an event (so also with synchronous_commit off, as nobody should run them); and a COPY of
the same bytes into a plain table, which is all that PostgreSQL could do with them.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo

from bench.machine import banner, cpu_s
from bench.steps import Steps, table
from services.commands.policies import defaults
from services.fold import apply, loop
from services.fold.apply import Folds
from services.fold.due import settle_due
from services.fold.postponing import MUCH
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.postgres import PostgresLog
from services.projector.projections import READ_MODELS
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.shadow import Shadow
from services.store.urls import Urls
from services.vault.memory import MemoryVault

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA: Final = "bench"
POST: Final = 2_000
"""Events of one append."""
SINGLE: Final = 500
"""Events of the baselines with a transaction each."""
LOST_AT_A_POWER_CUT: Final = "-c synchronous_commit=off"


@dataclass(frozen=True, slots=True)
class Run:
    """One way through ``events``."""

    events: int
    seconds: float
    own_s: float
    server_s: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cost_us(self) -> float:
        """Processor time an event, ours and the server's."""
        return 1e6 * (self.own_s + self.server_s) / self.events

    def __str__(self) -> str:
        each = 1e6 / self.events
        return (
            f"{self.events:9,} events {self.rate:10,.0f} /s {each * self.seconds:9.1f} µs each"
            f" (own CPU {each * self.own_s:6.1f}, server's {each * self.server_s:6.1f})"
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """A server with a log that waits to be folded."""

    urls: Urls
    log: PostgresLog
    folds: Folds

    @contextmanager
    def empty(self, options: str = "") -> Iterator[PostgresStore]:
        """Fresh tables to fold into; they stay until the next are made."""
        Shadow(self.urls.owner, SCHEMA).make()
        url = make_conninfo(self.urls.fold, options=options)
        with closing(PostgresStore(url, schema=SCHEMA)) as store:
            yield store

    def fold(self, store: PostgresStore, *, batch: int, most: int = 0) -> Run:
        """Fold ``batch`` records at a time; all of them, or ``most``."""
        return self.watched(store, lambda _: None, batch=batch, most=most)

    def watched(
        self, store: PostgresStore, then: Callable[[int], None], *, batch: int, most: int = 0
    ) -> Run:
        """The same, and ``then`` is told of the events of each batch."""
        positions, ends, done = dict(store.checkpoints()), self.log.ends(), 0
        pid = store._open().info.backend_pid
        began_s, own_s, server_s = time.perf_counter(), time.process_time(), cpu_s(pid)
        while found := loop.read_batch(self.log, positions, ends, limit=batch):
            is_backlog = batch >= MUCH
            events = sum(apply.apply(self.folds, found, store, is_backlog=is_backlog).tally)
            positions |= {piece.partition: piece.next for piece in found}
            done += events
            then(events)
            if done == most:
                break
        # A backlog leaves customers' rows for its end: they are part of what its events cost.
        while settle_due(self.folds, store):
            pass
        return Run(
            done,
            time.perf_counter() - began_s,
            time.process_time() - own_s,
            cpu_s(pid) - server_s,
        )


def posted(count: int, customers: int, seed: int = 1) -> Sequence[bytes]:
    """``count`` events of skewed customers; one in a hundred repeats an earlier one."""
    chance = random.Random(seed)
    events: list[bytes] = []
    for number in range(count):
        if number and chance.random() < 0.01:
            events.append(events[chance.randrange(len(events))])
            continue
        who = (
            min(int(chance.paretovariate(0.6)), customers)
            if chance.random() < 0.5
            else chance.randrange(customers)
        )
        at = START + timedelta(seconds=number)
        events.append(msgspec.json.encode(event_of(chance, number, who, at)))
    return events


def event_of(
    chance: random.Random, number: int, who: int, at: datetime, *, kind: str = ""
) -> dict[str, object]:
    """The event of that ``number``, of any kind unless one is named."""
    kind = (
        kind
        or chance.choices(
            ("purchase.completed", "call.ended", "web.visited", "customer.identified"), (5, 2, 2, 1)
        )[0]
    )
    data: dict[str, object] = {}
    personal: dict[str, object] = {}
    if kind == "purchase.completed":
        line = {"sku": f"s{number % 500}", "quantity": 1, "amount_minor": 1250}
        data = {"order_id": str(number), "amount_minor": 1250, "currency": "EUR", "lines": [line]}
    elif kind == "call.ended":
        data = {"direction": "inbound", "duration_s": 60}
    elif kind == "customer.identified":
        personal = {"name": f"Customer {who}", "city": "Ulm"}
    return {
        "id": f"e{number}",
        "source": "bench",
        "type": kind,
        "occurred_at": at,
        "identifiers": [f"user:u{who}", f"card:c{who}"],
        "personal": personal,
        "data": data if kind != "web.visited" else {"url": "/"},
    }


def main() -> None:
    """Fill a log, fold it in each way, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="by step and by statement")
    given = parser.parse_args()
    banner("fold")
    with filling(posted(given.events, given.customers)) as filled:
        compare(filled, runs=given.runs)
        if given.profile:
            profile(filled)


@contextmanager
def filling(raws: Iterable[bytes]) -> Iterator[Filled]:
    """A server of its own with a log of these events, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        urls = server.start()
        try:
            migrate(urls.owner)
            with closing(PostgresLog(urls.fold)) as log:
                vault = MemoryVault()
                fill(log, vault, [*raws])
                yield Filled(urls, log, Folds(READ_MODELS, vault))
        finally:
            server.stop()


def fill(log: PostgresLog, vault: MemoryVault, raws: Sequence[bytes]) -> None:
    """Accept and append ``raws``."""
    producer, received_at = Producer("bench", "write", "k", "DE"), datetime.now(UTC)
    ruled = [("bench", event) for event in defaults("bench", "bench", START)]
    receive_control(ruled, received_at, vault=vault, log=log)
    began_s = time.perf_counter()
    for first in range(0, len(raws), POST):
        received = receive(raws[first : first + POST], producer, received_at, vault=vault, log=log)
        assert not received.rejected, received.rejected[0]
    each = 1e6 * (time.perf_counter() - began_s) / len(raws)
    print(f"{'accept and append':32} {len(raws):9,} events {1e6 / each:10,.0f} /s")


def compare(filled: Filled, *, runs: int) -> None:
    """Print the rate of each way, how they compare, and what the rows take."""
    with filled.empty() as store:
        slow = shown("one transaction an event", filled.fold(store, batch=1, most=SINGLE))
    with filled.empty(LOST_AT_A_POWER_CUT) as store:
        unsafe = shown("the same, awaiting no disk", filled.fold(store, batch=1, most=SINGLE))
    found = []
    for number in range(runs):
        with filled.empty() as store:
            run = filled.fold(store, batch=loop.BATCH)
        found.append(shown(f"in batches, run {number + 1}", run))
    plain = copied(filled)
    best = max(found, key=lambda run: run.rate)
    print(f"\nbest run: {1e6 / best.rate:.1f} s a million events")
    print(
        f"  {best.rate / slow.rate:7.1f} times one transaction an event, which waits for the disk"
    )
    print(f"  {best.rate / unsafe.rate:7.1f} times the same with synchronous_commit off")
    print(f"  {best.rate / plain:7.1%} of a plain COPY of the same bytes")
    print("\nbytes an event, indexes included")
    for name, size in sizes(filled):
        print(f"  {name:20} {size / best.events:8.1f}")


def shown(title: str, run: Run) -> Run:
    """Print a run, and give it back."""
    print(f"{title:32} {run}")
    return run


def copied(filled: Filled) -> float:
    """Events a second of a COPY of the log's bytes into a plain table."""
    payloads = [
        stored.payload.hex()
        for partition, end in filled.log.ends().items()
        for stored in filled.log.read(partition, 0, end)
    ]
    with psycopg.connect(filled.urls.fold) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE plain (payload bytea)")
        began_s = time.perf_counter()
        with cursor.copy("COPY plain FROM STDIN") as copy:
            for first in range(0, len(payloads), loop.BATCH):
                chunk = payloads[first : first + loop.BATCH]
                copy.write("".join(f"\\\\x{payload}\n" for payload in chunk))
        connection.commit()
        rate = len(payloads) / (time.perf_counter() - began_s)
    print(f"{'plain COPY of the same bytes':32} {len(payloads):9,} events {rate:10,.0f} /s")
    return rate


def sizes(filled: Filled) -> Sequence[tuple[str, int]]:
    """The largest tables of the last run and of the log."""
    query = """
        SELECT relname, pg_total_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace IN (%s::regnamespace, 'touchline'::regnamespace)
        ORDER BY 2 DESC LIMIT 12
    """
    with psycopg.connect(filled.urls.fold) as connection:
        return connection.execute(query, (SCHEMA,)).fetchall()


def profile(filled: Filled) -> None:
    """Print what a batch costs, by step and by statement."""
    steps = Steps()
    with steps.watching(), filled.empty() as store:
        filled.watched(store, steps.batch, batch=loop.BATCH)
    print("\n" + "\n".join(table("own CPU, median batch", steps.own)))
    print("\n".join(table("PostgreSQL's CPU, median batch", steps.backend)))


if __name__ == "__main__":
    main()
