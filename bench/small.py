"""Small batches: what a worker's batch costs when it takes in what came in a moment.

    python -m bench.small [--sizes 25 100 400] [--batches 100] [--warm 40000] [--profile]

Events of bench.crew's, most of them of known customers, are folded as a worker folds what is no
backlog: rows settled, decisions told, beside whoever else there may be. Each size goes on where the
one before it left off, in one set of tables. Own CPU is the folding thread's, the server's that of
its backend; the figures are those of the median batch. With --profile the first size, by step and
by statement.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from statistics import median
from typing import Final, NamedTuple

from bench.crew import arriving
from bench.fold import SCHEMA, Filled, filling
from bench.machine import banner, cpu_s
from bench.steps import Steps, table
from services.fold import apply, loop
from services.fold.batch import Batch, Slice
from services.fold.due import settle_due
from services.store.holds import Beside
from services.store.postgres import PostgresStore
from services.store.shadow import Shadow

NEWCOMERS: Final = 0.02


class Cost(NamedTuple):
    """Of one batch, in milliseconds."""

    events: int
    took: float
    own: float
    server: float


def main() -> None:
    """Print what a batch of each size costs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[25, 100, 400])
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--warm", type=int, default=40_000)
    parser.add_argument("--profile", action="store_true", help="by step and by statement")
    given = parser.parse_args()
    banner("small")
    sizes = given.sizes[:1] if given.profile else given.sizes
    steps = Steps()
    # The first is an order 0, which names no order.
    events = arriving(given.warm + sum(sizes) * given.batches + 1, NEWCOMERS)[1:]
    with filling(events) as filled:
        Shadow(filled.urls.owner, SCHEMA).make()
        with closing(PostgresStore(filled.urls.fold, schema=SCHEMA, holds=Beside)) as store:
            warm(filled, store, given.warm)
            store.close()
            for size in sizes:
                found = batches(filled, store, size, given.batches)
                if given.profile:
                    with steps.watching():
                        profiled(filled, store, steps, found)
                else:
                    told([cost(filled, store, one) for one in found])


def warm(filled: Filled, store: PostgresStore, events: int) -> None:
    """Fold that many as a backlog, at least."""
    positions, ends = dict(store.checkpoints()), filled.log.ends()
    while sum(positions.values()) < events:
        limit = min(loop.BATCH, events - sum(positions.values()))
        batch = loop.read_batch(filled.log, positions, ends, limit=limit)
        apply.apply(filled.folds, batch, store, is_backlog=True)
        positions |= {piece.partition: piece.next for piece in batch}
    while settle_due(filled.folds, store):
        pass


def batches(filled: Filled, store: PostgresStore, size: int, count: int) -> Iterator[Batch]:
    """The next of the log, of every partition as much as it has of the rest."""
    came, ends = store.checkpoints(), filled.log.ends()
    rest = {
        partition: filled.log.read(partition, came.get(partition, 0), end)
        for partition, end in ends.items()
        if end > came.get(partition, 0)
    }
    share = size / sum(map(len, rest.values()))
    for turn in range(count):
        batch = []
        for partition, records in rest.items():
            first, last = (int(share * number * len(records)) for number in (turn, turn + 1))
            if found := records[first:last]:
                batch.append(Slice(partition, found[0].offset, found))
        yield batch


def cost(filled: Filled, store: PostgresStore, batch: Batch) -> Cost:
    """Fold it, and say what that took."""
    pid = store._open().info.backend_pid
    began = time.perf_counter(), time.thread_time(), cpu_s(pid)
    apply.apply(filled.folds, batch, store)
    ended = time.perf_counter(), time.thread_time(), cpu_s(pid)
    events = sum(len(piece.records) for piece in batch)
    return Cost(events, *(1e3 * (now - was) for now, was in zip(ended, began, strict=True)))


def told(costs: list[Cost]) -> None:
    """Print the median of them."""
    events, took, own, server = (median(column) for column in zip(*costs, strict=True))
    print(
        f"batches of {events:5.0f}: {took:6.1f} ms; own CPU {own:6.2f} ms, server's {server:6.2f},"
        f" {1e3 * (own + server) / events:6.1f} µs an event"
    )


def profiled(filled: Filled, store: PostgresStore, steps: Steps, found: Iterable[Batch]) -> None:
    """Print where the time of a batch goes."""
    for batch in found:
        apply.apply(filled.folds, batch, store)
        steps.batch(sum(len(piece.records) for piece in batch))
    print("\n".join(table("own CPU, median batch", steps.own)))
    print("\n".join(table("PostgreSQL's CPU, median batch", steps.backend)))


if __name__ == "__main__":
    main()
