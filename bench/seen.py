"""Known ids: what telling a repetition costs as ids grow, by a unique table and by segments.

    python -m bench.seen [--ids 1000000,10000000,50000000] [--batches 200] [--batch 10000]
                         [--only table|segments]

Each index is filled to so many ids with random hashes (the table in bulk, its unique index made at
the end and so as dense as it can be; the segments batch by batch, merged as ever, but without being
asked). Then batches come, half of them without repetitions and half with 1 %, each a transaction
that waits for the disk. Own CPU is
this process's; the server's is that of all its processes, those that clean up included. Flatness is
the processors' time over that at the first size.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import psycopg
from psycopg.rows import TupleRow

from bench.machine import banner
from services.store.connect import open_connection
from services.store.embedded import EmbeddedPostgres
from services.store.merging import Merging
from services.store.migrate import migrate
from services.store.postgres_seen import Learned, PostgresSeen
from services.store.postgres_segments import SegmentedSeen
from services.store.rows import insert
from services.store.seen import Seen
from services.store.seen_pages import entries_of
from services.store.segments import Segments
from services.store.statements import TABLES

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
SAMPLED: Final = 20
"""Ids of each batch that fills, to be repeated later."""
REPEATED: Final = {"0 %": 0.0, "1 %": 0.01}
SIZE: Final = """
    SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
    WHERE relnamespace = 'live'::regnamespace AND relname LIKE 'seen%' AND relkind = 'r'
"""
HEADING: Final = (
    "        ids repeated  own µs  server µs  wall µs  worst ms  flat   WAL B  disk B  memory MB"
)
WRITTEN: Final = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"


class Ids:
    """Random ids, of which some are kept to be repeated."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self.chance = random.Random(1)
        self.known: list[Seen] = []
        self.count = 0

    def new(self, count: int) -> list[Seen]:
        """Ids that were never told."""
        hashes = self.chance.randbytes(16 * count).hex()
        self.count += count
        return [
            Seen(hashes[at : at + 32], hashes[at : at + 32], 1, number)
            for number, at in enumerate(range(0, 32 * count, 32), self.count)
        ]

    def until(self, ids: int) -> Iterator[list[Seen]]:
        """New ids in batches, until there are that many."""
        while self.count < ids:
            rows = self.new(min(self._batch, ids - self.count))
            self.known += self.chance.sample(rows, min(SAMPLED, len(rows)))
            yield rows


class Index(Protocol):
    """One way to know ids."""

    @property
    def memory(self) -> int:
        """Bytes that it holds in this process."""

    def fill(self, ids: Ids, until: int) -> None:
        """Have that many ids."""

    def drop_known(self, rows: Sequence[Seen]) -> int:
        """A batch's transaction; how many were known."""

    def begin_anew(self) -> None:
        """As after a restart."""


class UniqueTable:
    """A row an id, and a unique index over all."""

    memory: Final = 0

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection, self._learned = connection, Learned()

    def fill(self, ids: Ids, until: int) -> None:
        """Drop the index, and make it at the end."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
            cursor.execute("ALTER TABLE seen_young DROP CONSTRAINT seen_pkey")
            for rows in ids.until(until):
                insert(cursor, TABLES["seen_young"], rows)
            cursor.execute("ALTER TABLE seen_young ADD CONSTRAINT seen_pkey PRIMARY KEY (id_hash)")

    def drop_known(self, rows: Sequence[Seen]) -> int:
        """As the fold does."""
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            return len(PostgresSeen(self._connection, cursor, self._learned).drop_known(rows))

    def begin_anew(self) -> None:
        """It keeps nothing."""


class LogStructured:
    """Runs, merged eight by eight."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection, self._learned, self._segments = connection, Learned(), Segments()

    @property
    def memory(self) -> int:
        """All filters."""
        return self._segments.memory

    def fill(self, ids: Ids, until: int) -> None:
        """Take them in without a look."""
        for rows in ids.until(until):
            with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
                self._segments.catch_up(cursor)
                Merging(cursor, self._segments).take_in(entries_of(rows))

    def drop_known(self, rows: Sequence[Seen]) -> int:
        """As the fold does."""
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            seen = SegmentedSeen(self._connection, cursor, self._learned, self._segments)
            known = len(seen.drop_known(rows))
            seen.finish()
            return known

    def begin_anew(self) -> None:
        """Read all filters."""
        self._segments.forget()
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            self._segments.catch_up(cursor)


WAYS: Final[Mapping[str, Callable[[psycopg.Connection[TupleRow]], Index]]] = {
    "table": UniqueTable,
    "segments": LogStructured,
}


def main() -> None:
    """Fill, measure, and print the figures, size by size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ids", default="1000000,10000000,50000000")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--only", choices=WAYS)
    given = parser.parse_args()
    sizes = [int(size) for size in given.ids.split(",")]
    banner("seen", "numpy")
    for way in [given.only] if given.only else WAYS:
        with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
            server = EmbeddedPostgres(Path(folder))
            url = server.start().owner
            try:
                migrate(url)
                with open_connection(url, "bench", schema="live") as connection:
                    print(f"{way}: an id's share of batches of {given.batch:,}")
                    bench = Bench(
                        WAYS[way](connection), connection, _pid(server), batch=given.batch
                    )
                    bench.all(sizes, batches=given.batches // 2)
            finally:
                server.stop()


class Bench:
    """One index on a server of its own."""

    def __init__(
        self, index: Index, connection: psycopg.Connection[TupleRow], postmaster: int, *, batch: int
    ) -> None:
        self._index, self._connection, self._postmaster = index, connection, postmaster
        self._ids, self._batch = Ids(batch), batch

    def all(self, sizes: Sequence[int], *, batches: int) -> None:
        """A line for each size and share of repetitions."""
        print(HEADING)
        first: dict[str, float] = {}
        for size in sizes:
            self._index.fill(self._ids, size)
            self._connection.execute("CHECKPOINT")
            for share, repeated in REPEATED.items():
                own, server, wall, worst, written = self._run(batches, repeated)
                flat = (own + server) / first.setdefault(share, own + server)
                disk = self._ask(SIZE) / self._ids.count
                print(
                    f"{size:11,} {share:>8} {own:7.2f} {server:10.2f} {wall:8.2f} {worst:9.0f}"
                    f" {flat:5.2f} {written:7.0f} {disk:7.1f} {self._index.memory / 1e6:10.1f}",
                    flush=True,
                )
        began_s = time.perf_counter()
        self._index.begin_anew()
        print(f"ready again after a restart: {time.perf_counter() - began_s:.2f} s")

    def _run(self, batches: int, repeated: float) -> tuple[float, ...]:
        """Microseconds of own CPU, server's and wall, milliseconds of the slowest batch, WAL."""
        batch = self._batch
        own_s, walls_s = 0.0, []
        server_s, written = self._server_s(), self._ask(WRITTEN)
        for _ in range(batches):
            again = self._ids.chance.sample(self._ids.known, round(batch * repeated))
            rows = [*again, *self._ids.new(batch - len(again))]
            began_s, began_own_s = time.perf_counter(), time.process_time()
            known = self._index.drop_known(rows)
            own_s += time.process_time() - began_own_s
            walls_s.append(time.perf_counter() - began_s)
            if known != len(again):
                raise SystemExit(f"{known} were known, and not {len(again)}")
        each = 1e6 / (batches * batch)
        return (
            each * own_s,
            each * (self._server_s() - server_s),
            each * sum(walls_s),
            1e3 * max(walls_s),
            each * (self._ask(WRITTEN) - written) / 1e6,
        )

    def _ask(self, query: str) -> int:
        [(answer,)] = self._connection.execute(query.encode()).fetchall()
        return int(answer)

    def _server_s(self) -> float:
        """Of the postmaster, the processes that it has, and those that it had."""
        server = self._postmaster
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return TICK_S * (_ticks(server, 4) + sum(_ticks(pid, 2) for pid in children))


def _pid(server: EmbeddedPostgres) -> int:
    if (found := server.postmaster()) is None:
        raise SystemExit("the server ended")
    return found.pid


def _ticks(pid: int | str, kinds: int) -> int:
    """User's and system's, and then the same of children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 11 + kinds]))


if __name__ == "__main__":
    main()
