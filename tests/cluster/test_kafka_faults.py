"""The log in Kafka while its broker dies and comes back: what was acknowledged is there."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import NamedTuple

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from services.errors import Misconfigured, Unavailable
from services.log.kafka.address import parse
from services.log.kafka.log import KafkaLog
from services.log.port import Entry
from tests.campaign import Campaign
from tests.cluster.broker import Broker
from tests.cluster.topics import fresh
from tests.contract.log import DEADLINE_S, entries, payloads
from tests.reported import Fault, Noted

WRITERS = 8
PARTITIONS = 4
BETWEEN = 200
"""Acknowledged appends between one kill and the next."""


class Answered(NamedTuple):
    """What one writer was told."""

    appends: list[tuple[bytes, int, int]]
    """Payload, partition, and the position given."""
    refused: Counter[bytes]
    """How often each payload had to be appended again."""


@pytest.mark.fault(Fault.KILLS)
def test_what_was_acknowledged_is_there_in_order_though_the_broker_was_killed(
    mortal: Broker, campaign: Campaign, noted: Noted
) -> None:
    kills = campaign.of(1, 4)
    url = fresh(mortal.server, partitions=PARTITIONS)
    with closing(KafkaLog(url)) as log, closing(KafkaLog(url)) as other:
        other.wait(0)
        with _writing((log, other)) as (answers, acknowledged):
            for kill in range(1, kills + 1):
                acknowledged.reached(kill * BETWEEN)
                mortal.kill()
                mortal.start()
            acknowledged.reached((kills + 1) * BETWEEN)
        found = {
            partition: payloads(other.read(partition, 0, 1_000_000))
            for partition in range(PARTITIONS)
        }
        other.wait(DEADLINE_S)
        ends = log.ends()

    answered = [append for each in answers for append in each.appends]
    refused = sum((each.refused for each in answers), Counter[bytes]())
    assert len(answered) >= (kills + 1) * BETWEEN
    assert {partition: len(records) for partition, records in found.items()} == ends
    assert all(found[partition][end - 1] == payload for payload, partition, end in answered)
    times = Counter(record for records in found.values() for record in records)
    assert times.keys() == {payload for payload, *_ in answered}
    assert all(count <= 1 + refused[payload] for payload, count in times.items())
    for records in found.values():
        for writer in range(WRITERS):
            numbers = _numbers_of(writer, records)
            assert numbers == sorted(numbers)
    noted.add(kills=kills, events=len(answered))


def test_records_that_the_topic_forgot_are_asked_for_in_vain_and_loudly(kafka: str) -> None:
    url = fresh(kafka, partitions=2)
    with closing(KafkaLog(url)) as log:
        log.append(entries(1, b"a", b"b", b"c"))
        _forget(url, partition=1, before=2)

        with pytest.raises(Misconfigured, match="forgotten partition 1 up to 2, and 0"):
            log.read(1, 0, 10)
        assert payloads(log.read(1, 2, 10)) == [b"c"]


class Acknowledged:
    """How many appends were acknowledged, for one who waits for a number of them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()
        self.is_over = threading.Event()

    def one_more(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def reached(self, count: int) -> None:
        """Wait until there are ``count``."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._count >= count, 4 * DEADLINE_S), self._count


@contextmanager
def _writing(logs: Sequence[KafkaLog]) -> Iterator[tuple[list[Answered], Acknowledged]]:
    """Writers at work until the block ends; the list is filled then."""
    answers: list[Answered] = []
    acknowledged = Acknowledged()
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [
            pool.submit(_write, logs[writer % len(logs)], writer, acknowledged)
            for writer in range(WRITERS)
        ]
        try:
            yield answers, acknowledged
        finally:
            acknowledged.is_over.set()
        answers += [work.result() for work in writing]


def _write(log: KafkaLog, writer: int, acknowledged: Acknowledged) -> Answered:
    """Append one after the other; what was refused again and again, until it is acknowledged."""
    answered = Answered([], Counter())
    number = 0
    while not acknowledged.is_over.is_set():
        payload, partition = f"{writer} {number}".encode(), number % PARTITIONS
        while True:
            try:
                end = log.append([Entry(partition, payload)])[partition]
            except Unavailable:
                answered.refused[payload] += 1
                continue
            break
        answered.appends.append((payload, partition, end))
        acknowledged.one_more()
        number += 1
    return answered


def _numbers_of(writer: int, records: Sequence[bytes]) -> list[int]:
    """A writer's numbers in the order in which each came first."""
    own = [record.split() for record in records if record.startswith(f"{writer} ".encode())]
    return list(dict.fromkeys(int(number) for _, number in own))


def _forget(url: str, *, partition: int, before: int) -> None:
    address = parse(url)
    with closing(KafkaAdminClient(bootstrap_servers=list(address.servers))) as admin:
        admin.delete_records({TopicPartition(address.topic, partition): before})
