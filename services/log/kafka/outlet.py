"""An outlet in Kafka: an idempotent producer, records of one key in one partition and in order."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.errors import Unavailable
from services.log.kafka.address import Address
from services.log.kafka.connection import REQUEST_MS, quiet, started
from services.log.kafka.failures import converted
from services.log.kafka.producer import BATCH_BYTES
from services.log.kafka.runner import Runner
from services.log.kafka.topic import MESSAGE_BYTES, described
from services.log.outlet import Outbound

WITHIN_S: Final = 30.0
COMPRESSION: Final = "gzip"
"""The log's zstd packs better, and many a client can't read it without a further library."""


class KafkaOutlet:
    """A key's partition is the one that Java's clients would choose too.

    After any failure the producer is made anew: the broker refuses what comes behind a gap, so that
    nothing overtakes what failed.
    """

    def __init__(self, address: Address) -> None:
        """Nothing is asked yet: brokers that are away are not an error before something is sent."""
        quiet()
        self._address = address
        self._runner = Runner("outlet-kafka")
        self._producer: AIOKafkaProducer | None = None

    def send(self, records: Sequence[Outbound]) -> None:
        with converted(self._address):
            try:
                producer = self._usable()
                self._runner.run(self._sent(producer, records), WITHIN_S)
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """Give the connections back."""
        self._drop()
        self._runner.close()

    async def _sent(self, producer: AIOKafkaProducer, records: Sequence[Outbound]) -> None:
        topic = self._address.topic
        acknowledged = [
            await producer.send(
                topic,
                value=record.value,
                key=record.key,
                headers=[(name, text.encode()) for name, text in record.headers.items()],
            )
            for record in records
        ]
        # All are waited for, so that none fails unheard: then the first failure is told.
        for answer in await asyncio.gather(*acknowledged, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer

    def _usable(self) -> AIOKafkaProducer:
        if self._producer is None:
            described(self._address)
            self._producer = self._runner.run(self._started(), WITHIN_S)
        return self._producer

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self._address.servers),
            client_id="touchline-outlet",
            acks="all",
            enable_idempotence=True,
            compression_type=COMPRESSION,
            max_batch_size=BATCH_BYTES,
            max_request_size=MESSAGE_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        return await started(producer)

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError, Unavailable):
                self._runner.run(producer.stop(), WITHIN_S)
