"""Appends to Kafka: each group as record batches, acknowledged by all replicas in sync."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownProducerId
from aiokafka.producer.message_accumulator import BatchBuilder

from services.errors import Unavailable
from services.log.kafka.address import Address
from services.log.kafka.connection import REQUEST_MS, started
from services.log.kafka.failures import converted
from services.log.kafka.runner import Runner
from services.log.port import Entry, Position

BATCH_BYTES: Final = 1_000_000
"""Of a batch before it is compressed: a reader unpacks it whole. One record may be larger."""
COMPRESSION: Final = "zstd"
"""Measured with bench/kafka.py."""
WITHIN_S: Final = 15.0
"""The client tries again for REQUEST_MS, and what it sent last is waited for a little longer."""

Batches = Mapping[int, Sequence[BatchBuilder]]


class Producer:
    """An idempotent producer: its own repetitions are dropped by the broker, and order is kept.

    After any failure it is made anew, since the broker refuses one that has skipped a batch.
    """

    def __init__(self, address: Address, runner: Runner, *, compression: str | None) -> None:
        self._address = address
        self._runner = runner
        self._compression = compression
        self._producer: AIOKafkaProducer | None = None

    def commit(self, group: Sequence[Sequence[Entry]]) -> Sequence[Position]:
        """Append a group of appends, for one thread at a time; the position of each.

        Raises ``Unavailable``: any part of the group may then be in the log, or come yet.
        """
        with converted(self._address):
            producer = self._usable()
            try:
                batches = _packed(producer, group)
                offsets = self._runner.run(self._send(producer, batches), WITHIN_S)
            except BaseException:
                self._drop()
                raise
        return _positions(group, offsets)

    def close(self) -> None:
        """Give the connections back."""
        if self._producer is not None:
            with suppress(KafkaError, OSError, TimeoutError, Unavailable):
                self._runner.run(self._producer.stop(), WITHIN_S)
            self._producer = None

    def _usable(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = self._runner.run(self._started(), WITHIN_S)
        return self._producer

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self._address.servers),
            client_id="touchline-log-append",
            acks="all",
            enable_idempotence=True,
            compression_type=self._compression,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        return await started(producer)

    async def _send(
        self, producer: AIOKafkaProducer, batches: Batches
    ) -> Mapping[int, Sequence[int]]:
        """The offset of every record, by partition."""
        sent = [self._send_to(producer, partition, batches[partition]) for partition in batches]
        # All are waited for, so that none fails unheard: then the first failure is told.
        answers = await asyncio.gather(*sent, return_exceptions=True)
        offsets = {}
        for partition, answer in zip(batches, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            offsets[partition] = answer
        return offsets

    async def _send_to(
        self, producer: AIOKafkaProducer, partition: int, batches: Sequence[BatchBuilder]
    ) -> Sequence[int]:
        topic = self._address.topic
        answers = [await producer.send_batch(each, topic, partition=partition) for each in batches]
        offsets: list[int] = []
        for batch, answer in zip(batches, await asyncio.gather(*answers), strict=True):
            if answer.offset < 0:
                # The broker has it already, and forgot where: the caller has to append again.
                raise UnknownProducerId(f"partition {partition} does not tell its offset")
            offsets += range(answer.offset, answer.offset + batch.record_count())
        return offsets

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Unavailable):
                self._runner.begin(_abandoned(producer))


async def _abandoned(producer: AIOKafkaProducer) -> None:
    """Let go of a producer that failed: nobody waits for what it may yet do."""
    with suppress(KafkaError, OSError, TimeoutError):
        try:
            await asyncio.wait_for(producer.stop(), WITHIN_S)
        finally:
            # It stops only once all is sent: what can't be would hold its connections for ever.
            await producer.client.close()


def _packed(producer: AIOKafkaProducer, group: Sequence[Sequence[Entry]]) -> Batches:
    batches: dict[int, list[BatchBuilder]] = {}
    for entries in group:
        for entry in entries:
            of_partition = batches.get(entry.partition)
            if of_partition is None:
                of_partition = batches[entry.partition] = [producer.create_batch()]
            if of_partition[-1].append(key=None, value=entry.payload, timestamp=None) is None:
                of_partition.append(producer.create_batch())
                of_partition[-1].append(key=None, value=entry.payload, timestamp=None)
    return batches


def _positions(
    group: Sequence[Sequence[Entry]], offsets: Mapping[int, Sequence[int]]
) -> Sequence[Position]:
    """Where each append ends; between two batches of ours there may be others' records."""
    done: Counter[int] = Counter()
    positions = []
    for entries in group:
        counts = Counter(entry.partition for entry in entries)
        done.update(counts)
        positions.append(
            {partition: offsets[partition][done[partition] - 1] + 1 for partition in sorted(counts)}
        )
    return positions
