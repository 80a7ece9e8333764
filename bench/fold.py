"""Folding: events a second from the log to committed rows, beside two baselines.

    python -m bench.fold [--events 200000] [--customers 20000]

The events are sealed records of 190 to 400 bytes (purchases, calls, visits, descriptions; two
identifiers each), skewed over customers, in 16 partitions of a log in PostgreSQL; identity, orders
and profile are folded, repetitions (1 %) dropped. Baselines, in the same database right before and
after: one transaction an event, which is bound by the disk, and COPY of the same bytes into a plain
table.
"""

import argparse
import cProfile
import pstats
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg

from bench.machine import banner
from services.fold.apply import Folds, apply
from services.fold.loop import read_batch
from services.ingest.accept import Producer
from services.ingest.receive import receive
from services.log.postgres import PostgresLog
from services.projector.projections import PROJECTIONS
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.vault.memory import MemoryVault

START = datetime(2026, 1, 1, tzinfo=UTC)


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
        events.append(msgspec.json.encode(_event(chance, number, who, at)))
    return events


def _event(chance: random.Random, number: int, who: int, at: datetime) -> dict[str, object]:
    kind = chance.choices(
        ("purchase.completed", "call.ended", "web.visited", "customer.identified"), (5, 2, 2, 1)
    )[0]
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
    """Fill a log, fold it, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="show where Python spends its time")
    arguments = parser.parse_args()
    banner("fold")
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        urls = server.start()
        try:
            migrate(urls.owner)
            measure(urls.fold, arguments.events, arguments.customers, profile=arguments.profile)
        finally:
            server.stop()


def measure(url: str, events: int, customers: int, *, profile: bool) -> None:
    """Print events a second for each way."""
    vault, log = MemoryVault(), PostgresLog(url)
    producer = Producer("bench", "write", "k", "DE")
    raws = posted(events, customers)
    began = time.perf_counter()
    for first in range(0, len(raws), 2000):
        received = receive(
            raws[first : first + 2000], producer, START + timedelta(days=365), vault=vault, log=log
        )
        assert not received.rejected, received.rejected[0]
    report("accept and append", len(raws), began)
    store, folds = PostgresStore(url), Folds(PROJECTIONS, vault)
    single = min(500, events // 10)
    began = time.perf_counter()
    for _ in range(single):
        apply(folds, read_batch(log, store.checkpoints(), log.ends(), limit=1), store)
    slow = report("fold, one transaction an event", single, began)
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    cpu = time.process_time()
    began, positions, done = time.perf_counter(), dict(store.checkpoints()), 0
    ends = log.ends()
    while batch := read_batch(log, positions, ends):
        tally = apply(folds, batch, store)
        done += sum(tally)
        positions |= {piece.partition: piece.next for piece in batch}
    profiler.disable()
    print(f"own CPU {1e6 * (time.process_time() - cpu) / done:.1f} µs an event")
    fast = report("fold, in batches", done, began)
    plain = copy_baseline(url, log)
    print(f"batches over one by one: {fast / slow:.1f} times")
    print(f"share of plain COPY's speed: {fast / plain:.3f}")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)
    with psycopg.connect(url) as connection:
        sizes = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND "
            "relnamespace IN ('live'::regnamespace, 'touchline'::regnamespace) "
            "ORDER BY 2 DESC LIMIT 9"
        )
        for name, size in sizes:
            print(f"  {name:20} {size / events:8.1f} bytes an event")


def copy_baseline(url: str, log: PostgresLog) -> float:
    """What PostgreSQL takes by COPY of the same bytes into a plain table."""
    payloads = [
        stored.payload.hex()
        for partition, end in log.ends().items()
        for stored in log.read(partition, 0, end)
    ]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE plain (payload bytea)")
        began = time.perf_counter()
        with cursor.copy("COPY plain FROM STDIN") as copy:
            for first in range(0, len(payloads), 10_000):
                copy.write(
                    "".join(f"\\\\x{payload}\n" for payload in payloads[first : first + 10_000])
                )
        connection.commit()
        return report("plain COPY of the same bytes", len(payloads), began)


def report(what: str, count: int, began: float) -> float:
    """Print and give the rate since ``began``."""
    seconds = time.perf_counter() - began
    rate, each_us = count / seconds, 1e6 * seconds / count
    print(f"{what:32} {count:9,} events {seconds:8.2f} s {rate:12,.0f} /s {each_us:8.1f} µs")
    return rate


if __name__ == "__main__":
    main()
