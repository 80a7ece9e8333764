"""Figures of the log in Kafka: its clients beside each other, and compressions.

Run it as ``python -m bench.kafka [EVENTS]``; it starts a broker of its own in a temporary folder,
or uses the one that ``TOUCHLINE_TEST_KAFKA`` names.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as SyncPartition
from kafka.admin import KafkaAdminClient

from bench.log import event, per_second, read, report
from bench.machine import banner
from services.log.kafka.address import Address, parse
from services.log.kafka.connection import quiet
from services.log.kafka.log import KafkaLog
from services.log.kafka.producer import COMPRESSION
from services.log.port import Entry
from tests.cluster.broker import Broker
from tests.cluster.topics import fresh

BULK: Final = 10_000
COMPARED: Final = "lz4"
"""kafka-python has zstd with another package only."""
COMPRESSIONS: Final = (None, "gzip", "snappy", "lz4", "zstd")
COMMON: Final = {"acks": "all", "enable_idempotence": True, "linger_ms": 5}


def main() -> None:
    """Print one line a measurement, with its ratio to kafka-python's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=100_000, help="of each measurement")
    count = parser.parse_args().events
    quiet()
    with a_broker() as server:
        banner("kafka", "kafka-python", "aiokafka", "cramjam")
        entries = [Entry(1 + number % 15, event(number)) for number in range(BULK)]
        size = statistics.mean(len(entry.payload) for entry in entries)
        print(f"events of {size:.0f} bytes, {count:,} each")
        print(f"packed by {COMPARED} where clients are compared, else by {COMPRESSION}\n")
        clients(server, entries, count)
        compressions(server, entries, count)
        singly(server, entries)


def clients(server: str, entries: Sequence[Entry], count: int) -> None:
    """Each client's own way, one record a call, and ours, ten thousand an append."""
    url = fresh(server)
    baseline = rate(count, lambda: sync_produced(parse(url), entries, count))
    report("kafka-python: send, a record a call", baseline, baseline)
    produced = rate(count, lambda: asyncio.run(produced_async(parse(url), entries, count)))
    report("aiokafka: send, a record a call", produced, baseline)
    url = fresh(server)
    with closing(KafkaLog(url, compression=COMPARED)) as log:
        appended = rate(count, lambda: appended_in_bulk(log, entries, count))
        report("append of 10 000", appended, baseline)
        total = sum(log.ends().values())
        print()
        slow = rate(total, lambda: sync_consumed(parse(url), total))
        report("kafka-python: poll", slow, slow)
        consumed = rate(total, lambda: asyncio.run(consumed_async(parse(url), total)))
        report("aiokafka: getmany", consumed, slow)
        start = dict.fromkeys(range(log.partitions), 0)
        report("read, by 10 000", rate(total, lambda: read(log, start)), slow)


def compressions(server: str, entries: Sequence[Entry], count: int) -> None:
    """What each compression costs the writer and the reader, and saves on the brokers' disks."""
    print()
    print(f"{'compression':16}{'append':>12}{'read':>12}{'bytes an event':>18}")
    for compression in COMPRESSIONS:
        url = fresh(server)
        with closing(KafkaLog(url, compression=compression)) as log:
            appended = rate(count, lambda log=log: appended_in_bulk(log, entries, count))  # type: ignore[misc]
            total = sum(log.ends().values())
            start = dict.fromkeys(range(log.partitions), 0)
            got = rate(total, lambda log=log, start=start: read(log, start))  # type: ignore[misc]
        size = bytes_on_disk(parse(url)) / total
        print(f"{compression or 'none':16}{appended:>10,.0f}/s{got:>10,.0f}/s{size:>18.0f}")


def singly(server: str, entries: Sequence[Entry]) -> None:
    """One event an append, in 1 to 64 threads."""
    print()
    with closing(KafkaLog(fresh(server))) as log:
        log.append(entries[:1])
        baseline = 0.0
        for threads in (1, 8, 64):
            appended = per_second(lambda n: log.append([entries[n % BULK]]), threads, 3)
            baseline = baseline or appended
            report(f"append an event, {threads} threads", appended, baseline)


def rate(count: int, work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return count / (time.perf_counter() - began_s)


def appended_in_bulk(log: KafkaLog, entries: Sequence[Entry], count: int) -> None:
    for _ in range(0, count, BULK):
        log.append(entries)


def sync_produced(address: Address, entries: Sequence[Entry], count: int) -> None:
    producer = KafkaProducer(
        bootstrap_servers=list(address.servers),
        compression_type=COMPARED,
        batch_size=1_000_000,
        max_request_size=4_000_000,
        **COMMON,
    )
    with closing(producer):
        for entry in itertools.islice(itertools.cycle(entries), count):
            producer.send(address.topic, value=entry.payload, partition=entry.partition)
        producer.flush()


async def produced_async(address: Address, entries: Sequence[Entry], count: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=list(address.servers),
        compression_type=COMPARED,
        max_batch_size=1_000_000,
        **COMMON,
    )
    await producer.start()
    sent: list[Any] = []
    for entry in itertools.islice(itertools.cycle(entries), count):
        sent.append(
            await producer.send(address.topic, value=entry.payload, partition=entry.partition)
        )
        if len(sent) == BULK:
            await asyncio.gather(*sent)
            sent.clear()
    await producer.stop()


def sync_consumed(address: Address, count: int) -> None:
    consumer = KafkaConsumer(
        bootstrap_servers=list(address.servers),
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    with closing(consumer):
        consumer.assign([SyncPartition(address.topic, partition) for partition in range(16)])
        while count > 0:
            found = consumer.poll(timeout_ms=1_000, max_records=BULK)
            count -= sum(map(len, found.values()))


async def consumed_async(address: Address, count: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(address.servers),
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    await consumer.start()
    consumer.assign([TopicPartition(address.topic, partition) for partition in range(16)])
    while count > 0:
        found = await consumer.getmany(timeout_ms=1_000, max_records=BULK)
        count -= sum(map(len, found.values()))
    await consumer.stop()


def bytes_on_disk(address: Address) -> int:
    """Of the topic, on all brokers."""
    with closing(KafkaAdminClient(bootstrap_servers=list(address.servers))) as admin:
        return sum(
            partition["partition_size"]
            for broker in admin.describe_log_dirs()
            for folder in broker["log_dirs"]
            for topic in folder["topics"]
            if topic["name"] == address.topic
            for partition in topic["partitions"]
        )


@contextmanager
def a_broker() -> Iterator[str]:
    """``host:port`` of the broker that is named, or of one that lasts as long as the block."""
    if named := os.environ.get("TOUCHLINE_TEST_KAFKA"):
        yield named
        return
    with (
        tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder,
        Broker(Path(folder)) as broker,
    ):
        yield broker.server


if __name__ == "__main__":
    main()
