"""A connection to the brokers of a topic that mends itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, UnknownTopicOrPartitionError
from aiokafka.structs import TopicPartition

from services.log.kafka.address import Address

REQUEST_MS: Final = 10_000
ATTEMPTS: Final = 3
PAUSE_S: Final = 0.1
"""Before another attempt: a partition whose leader died has a new one after some such time."""

T = TypeVar("T")
C = TypeVar("C", bound="Client")


def quiet() -> None:
    """Keep Kafka's clients from logging what they also raise, and so doing it twice."""
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Client(Protocol):
    """A producer or consumer of aiokafka's."""

    async def start(self) -> None:
        """Reach the brokers."""

    async def stop(self) -> None:
        """Give the connections back."""


async def started(client: C) -> C:
    """``client``, started; one that can't be is stopped, and then raises."""
    try:
        await client.start()
    except BaseException:
        await client.stop()
        raise
    return client


class Connection:
    """aiokafka's client of one topic: opened by its first use, and anew after a failure.

    Made anew, not told to try again, since it would look for the brokers it knew and no others.
    """

    def __init__(self, address: Address, name: str) -> None:
        self._address = address
        self._name = name
        self._client: AIOKafkaClient | None = None
        self._opening = asyncio.Lock()

    async def ask(self, question: Callable[["Connection"], Awaitable[T]]) -> T:
        """What ``question`` gives, asked again over a new connection where it failed.

        Raises what it raised the last time: ``KafkaError``, ``OSError`` or ``TimeoutError``.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await question(self)
            except (KafkaError, OSError, TimeoutError):
                await self.close()
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(PAUSE_S * attempt)
        raise AssertionError  # the last attempt returned or raised

    async def partitions_by_leader(self, partitions: Iterable[int]) -> Mapping[int, Sequence[int]]:
        """Which broker to ask about each of ``partitions``."""
        cluster = (await self._usable()).cluster
        leaders: dict[int, list[int]] = {}
        for partition in partitions:
            leader = cluster.leader_for_partition(TopicPartition(self._address.topic, partition))
            if leader is None or leader < 0:
                raise LeaderNotAvailableError(f"partition {partition} has no leader")
            leaders.setdefault(leader, []).append(partition)
        return leaders

    async def send(self, broker: int, request: object) -> Any:
        """The broker's answer; its errors are in it."""
        return await (await self._usable()).send(broker, request)

    async def close(self) -> None:
        """Give the sockets back; the next use opens others."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _usable(self) -> AIOKafkaClient:
        async with self._opening:
            if self._client is None:
                self._client = await self._opened()
            return self._client

    async def _opened(self) -> AIOKafkaClient:
        client = AIOKafkaClient(
            bootstrap_servers=list(self._address.servers),
            client_id=f"touchline-{self._name}",
            request_timeout_ms=REQUEST_MS,
        )
        try:
            await client.bootstrap()
            await client.set_topics([self._address.topic])
            if not client.cluster.partitions_for_topic(self._address.topic):
                raise UnknownTopicOrPartitionError(f"there is no {self._address}")
        except BaseException:
            await client.close()
            raise
        return client
