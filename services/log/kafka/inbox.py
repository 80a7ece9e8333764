"""An inbox in Kafka: the partitions of a topic, shared by the processes of one consumer group."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from services.errors import Unavailable
from services.log.inbox import Inbound
from services.log.kafka.address import Address
from services.log.kafka.behind import behind
from services.log.kafka.connection import REQUEST_MS, quiet, started
from services.log.kafka.failures import converted
from services.log.kafka.runner import Runner
from services.log.kafka.topic import described

SESSION_S: Final = 6.0
"""Who is silent for longer is replaced; the least that Kafka allows as it comes."""
REBALANCE_S: Final = 15.0
START_S: Final = 30.0
"""Joining waits until those who are gone are missed, and the others have finished a batch."""
WITHIN_S: Final = 15.0


class KafkaInbox:
    """One member of the group; opened by its first use, and anew after a failure.

    Offsets are committed by ``done`` alone, to Kafka: a rebuilt store does not read anything again.
    What producers' transactions took back is not read.
    """

    def __init__(self, address: Address, *, group: str, session_s: float = SESSION_S) -> None:
        """Nothing is asked yet: brokers that are away are not an error before somebody reads."""
        quiet()
        self._address, self._group, self._session_s = address, group, session_s
        self._runner = Runner("inbox-kafka")
        self._consumer: AIOKafkaConsumer | None = None
        self._taken: dict[TopicPartition, int] = {}

    def take(self, limit: int, timeout_s: float) -> Sequence[Inbound]:
        with converted(self._address):
            try:
                consumer = self._usable()
                asked = consumer.getmany(timeout_ms=int(timeout_s * 1_000), max_records=limit)
                found = self._runner.run(asked, timeout_s + WITHIN_S)
            except BaseException:
                self._drop()
                raise
        for partition, records in found.items():
            self._taken[partition] = records[-1].offset + 1
        return [_inbound(record) for records in found.values() for record in records]

    def done(self) -> None:
        taken, self._taken = self._taken, {}
        consumer = self._consumer
        if consumer is None:
            return
        ours = {one: end for one, end in taken.items() if one in consumer.assignment()}
        with converted(self._address):
            try:
                if ours:
                    self._runner.run(consumer.commit(ours), WITHIN_S)
            except (CommitFailedError, IllegalStateError):
                # Partitions moved on: whoever has them now reads it again, which changes nothing.
                return
            except BaseException:
                self._drop()
                raise

    def waiting(self) -> int:
        return behind(self._address, self._group)

    def close(self) -> None:
        """Leave the group, so that others have our partitions at once."""
        self._drop()
        self._runner.close()

    def _usable(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # aiokafka would wait for ever for a topic that is not there.
            described(self._address)
            self._consumer = self._runner.run(self._started(), START_S + WITHIN_S)
        return self._consumer

    async def _started(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            self._address.topic,
            bootstrap_servers=list(self._address.servers),
            client_id="touchline-inbox",
            group_id=self._group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            request_timeout_ms=REQUEST_MS,
            session_timeout_ms=int(self._session_s * 1_000),
            heartbeat_interval_ms=int(self._session_s * 250),
            rebalance_timeout_ms=int(REBALANCE_S * 1_000),
        )
        return await started(consumer)

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._taken = {}
        if consumer is not None:
            with suppress(KafkaError, OSError, TimeoutError, Unavailable):
                self._runner.run(consumer.stop(), WITHIN_S)


def _inbound(record: "ConsumerRecord[bytes, bytes]") -> Inbound:
    place = record.topic, record.partition, record.offset
    return Inbound(*place, record.value, record.headers)
