"""Topics of the bench: filled with the work, and read as those who trust only commits read them."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from bench.peers.events import PARTITIONS, Event
from services.log.kafka.address import Address
from services.log.kafka.topic import create

COMPRESSION: Final = "lz4"
"""The one that all these clients know as they come."""
BATCH: Final = 1_000
"""Records that travel together."""
_NUMBERS: Final = itertools.count()
_RUN: Final = uuid.uuid4().hex[:8]


class Topics:
    """Those of one broker."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._admin = KafkaAdminClient(bootstrap_servers=[server])

    def close(self) -> None:
        """Give the connection back."""
        self._admin.close()

    def fresh(self, kind: str) -> str:
        """The name of a topic that is empty."""
        name = f"{kind}-{_RUN}-{next(_NUMBERS)}"
        create(Address((self.server,), name), PARTITIONS)
        return name

    def filled(self, events: Sequence[Event]) -> str:
        """The name of a topic that holds ``events``, each customer's in one partition."""
        name = self.fresh("events")
        asyncio.run(_fill(self.server, name, events))
        return name

    def came(self, group: str, topic: str) -> int:
        """How many records of ``topic`` are folded, as far as ``group`` has committed it."""
        try:
            found = self._admin.list_group_offsets({group: None})[group]
        except KafkaError:
            # The broker has yet to make what it keeps groups in.
            return 0
        return sum(one.offset for tp, one in found.items() if tp.topic == topic)

    def read(self, topic: str) -> Sequence[tuple[bytes, bytes | None]]:
        """Keys and values of all that was committed in ``topic``."""
        return asyncio.run(_read(self.server, topic))


@asynccontextmanager
async def producing(server: str) -> AsyncIterator[AIOKafkaProducer]:
    """What appends the work."""
    producer = AIOKafkaProducer(
        bootstrap_servers=server,
        acks="all",
        enable_idempotence=True,
        compression_type=COMPRESSION,
        max_batch_size=1_000_000,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def together(
    producer: AIOKafkaProducer, topic: str, events: Sequence[Event]
) -> Sequence[asyncio.Future[Any]]:
    """Append ``events``, a batch a partition; gives what is done once each is acknowledged."""
    batches: dict[int, Any] = {}
    for event in events:
        batch = batches.get(event.partition)
        if batch is None:
            batch = batches[event.partition] = producer.create_batch()
        batch.append(key=event.customer.encode(), value=event.payload(), timestamp=None)
    return [
        await producer.send_batch(batch, topic, partition=partition)
        for partition, batch in batches.items()
    ]


@asynccontextmanager
async def reading(server: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Who reads all that was committed in ``topic``, from its beginning."""
    consumer = AIOKafkaConsumer(bootstrap_servers=server, isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = _partitions(topic)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


async def _fill(server: str, topic: str, events: Sequence[Event]) -> None:
    async with producing(server) as producer:
        for chunk in _chunks(events):
            for acknowledged in await together(producer, topic, chunk):
                await acknowledged


def _chunks(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Of one partition each, in the order in which they fill."""
    filling: list[list[Event]] = [[] for _ in range(PARTITIONS)]
    for event in events:
        chunk = filling[event.partition]
        chunk.append(event)
        if len(chunk) == BATCH:
            yield [*chunk]
            chunk.clear()
    yield from filter(None, filling)


async def _read(server: str, topic: str) -> Sequence[tuple[bytes, bytes | None]]:
    async with reading(server, topic) as consumer:
        partitions = _partitions(topic)
        ends = await consumer.end_offsets(partitions)
        found: list[tuple[bytes, bytes | None]] = []
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(record.key, record.value) for record in records]
        return found


def _partitions(topic: str) -> Sequence[Any]:
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]
