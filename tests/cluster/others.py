"""Topics that others write and read: made fresh, and used as by other systems."""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from services.log.kafka.address import Address, parse
from services.log.outlet import Outbound

_NUMBERS: Final = itertools.count()
_RUN: Final = uuid.uuid4().hex[:8]


def fresh_door(server: str, *, partitions: int = 1) -> Address:
    """A topic of this name that nobody wrote yet."""
    topic = f"door-{_RUN}-{next(_NUMBERS)}"
    admin = KafkaAdminClient(bootstrap_servers=[server])
    try:
        wanted = {"num_partitions": partitions, "replication_factor": 1}
        admin.create_topics({topic: wanted}, wait_for_metadata=True)
    finally:
        admin.close()
    return replace(parse(f"kafka://{server}"), topic=topic)


@contextmanager
def upstream(address: Address) -> Iterator["Upstream"]:
    """A producer of another system, with another client than ours."""
    producer = KafkaProducer(bootstrap_servers=list(address.servers))
    try:
        yield Upstream(producer, address.topic)
    finally:
        producer.close()


class Upstream:
    """Sends, and returns once the broker has it."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic

    def send(self, value: bytes | None, *headers: tuple[str, bytes]) -> None:
        """One record."""
        sent = self._producer.send(self._topic, value=value, key=value or b"-", headers=[*headers])
        sent.get(timeout=30)


def told(address: Address) -> list[Outbound]:
    """All that a reader finds in the topic, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=list(address.servers), enable_auto_commit=False)
    try:
        numbers = consumer.partitions_for_topic(address.topic) or ()
        partitions = [TopicPartition(address.topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(one) < ends[one] for one in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    found.append(Outbound(record.key, record.value, headers))
        return found
    finally:
        consumer.close()
