"""Workers on Kafka: events a second from the log to committed rows, by one and by two of them.

    python -m bench.workers [--events 200000] [--crowd few] [--newcomers 0.02] [--workers 1 2]
                            [--steps]

The events are those of a crowd (bench.crew's), folded with all that there is (identity, orders,
profiles, lifecycle, loyalty, ids, decisions), in 16 partitions of a real broker, which is on the
same machine as PostgreSQL and the workers. They are in the log before anybody folds, and every
worker has its share by then. ``--newcomers`` is the share of the events with which a customer
begins, one in fifty (one in 114 of Complete Journey, one in three of CDNOW): each of them is
settled once the backlog is folded, and what is decided by that is relayed to the log and folded
too. "Folded" is the time until the log's events are in rows, "done" until nothing is left to
settle, tell and fold; both of all records, decisions too. CPU is of workers, PostgreSQL (all its
processes) and broker, until done.

At last one worker is killed, and what is appended then is timed until all of it is in rows.
``--steps`` shows instead where each microsecond of one worker goes, and of its backend.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from signal import SIGKILL
from typing import Final

from bench import worker_steps
from bench.crew import CROWDS, FEW, Bench, Cpu, arriving, benched, held
from bench.machine import banner
from services.log.kafka.connection import quiet
from tests.cluster.broker import Broker
from tests.cluster.workers import Worker

AFTERWARDS: Final = 2_000
"""Events that are appended once a worker was killed."""


def main() -> None:
    """Print a line for each number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--crowd", choices=CROWDS, default=FEW)
    parser.add_argument("--newcomers", type=float, default=0.02)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", action="store_true", help="by step and by statement")
    given = parser.parse_args()
    quiet()
    banner("workers", "faust-streaming", "aiokafka")
    raws = arriving(given.events + AFTERWARDS, given.newcomers, given.crowd)
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder, ExitStack() as stack:
        (Path(folder) / "kafka").mkdir()
        broker = stack.enter_context(Broker(Path(folder) / "kafka"))
        for count in [1] if given.steps else given.workers:
            with benched(Path(folder) / f"workers-{count}", broker.server) as bench:
                if given.steps:
                    explain(bench, raws)
                else:
                    measure(bench, raws, count)


def measure(bench: Bench, raws: Sequence[bytes], count: int) -> None:
    """How fast ``count`` workers fold, and how soon others go on where one was killed."""
    with bench.crew(count) as workers:
        folded(bench, raws[:-AFTERWARDS], workers)
        if count > 1:
            workers[0].send(SIGKILL)
            began_s = time.perf_counter()
            bench.tell(raws[-AFTERWARDS:])
            bench.wait(bench.is_folded, workers)
            taken_s = time.perf_counter() - began_s
            print(f"  one killed: all that came then was in rows {taken_s:.1f} s later")


def folded(bench: Bench, raws: Sequence[bytes], workers: Sequence[Worker]) -> None:
    """Append ``raws`` while nobody folds, and print how fast they are folded then."""
    with held(bench.urls):
        bench.tell(raws)
        before = Cpu.of(bench, workers)
        told = sum(bench.store.checkpoints().values())
    folding_s = bench.wait(bench.is_folded, workers)
    until_folded = sum(bench.store.checkpoints().values()) - told
    taken_s = folding_s + bench.wait(bench.is_done, workers)
    records = sum(bench.store.checkpoints().values()) - told
    print(
        f"{len(workers)} worker{'s' if len(workers) > 1 else ' '} {records:9,} records:"
        f" folded {until_folded / folding_s:8,.0f} /s, done {records / taken_s:8,.0f} /s,"
        f" {Cpu.of(bench, workers).since(before, records)}"
    )


def explain(bench: Bench, raws: Sequence[bytes]) -> None:
    """Print what each step of one worker costs."""
    with bench.crew(1, worker_steps.working) as workers:
        folded(bench, raws, workers)
        place = bench.folder / "said-0"
    if any(workers[0].codes):
        raise SystemExit(workers[0].said)
    print(worker_steps.said(place).read_text())


if __name__ == "__main__":
    main()
