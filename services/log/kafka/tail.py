"""Hears of new records by long polls and wakes the threads that wait for the log."""

import asyncio
from typing import Any, Final

from aiokafka.errors import KafkaError, for_code

from services.log.kafka.address import Address
from services.log.kafka.connection import Connection
from services.log.kafka.reader import end_offsets, fetch_request
from services.log.kafka.runner import Runner
from services.log.wakeup import Wakeup

WAIT_MS: Final = 5_000
RETRY_S: Final = 0.2
ONE_BATCH: Final = 1
"""Bytes of a fetch: the least that Kafka gives is a batch."""


class Tail:
    """A task on connections of its own, for a broker answers a long poll before it reads on."""

    def __init__(self, address: Address, runner: Runner, partitions: int, wakeup: Wakeup) -> None:
        self._topic = address.topic
        self._partitions = partitions
        self._wakeup = wakeup
        self._connection = Connection(address, "log-wait")
        self._following = runner.begin(self._run())

    def close(self) -> None:
        """Stop, and wake whoever waits."""
        self._following.cancel()
        self._wakeup.wake()

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._follow()
                except* (KafkaError, OSError, TimeoutError):
                    # Waiters fall back on their timeout, and their next read says what is wrong.
                    await self._connection.close()
                await asyncio.sleep(RETRY_S)
        finally:
            await self._connection.close()

    async def _follow(self) -> None:
        """Wake at every record; raises the client's errors when a broker is lost or moved on."""
        partitions = range(self._partitions)
        leaders = await self._connection.partitions_by_leader(partitions)
        ends = await end_offsets(self._connection, self._topic, partitions)
        # For what was appended before we listened, or while we could not.
        self._wakeup.wake()
        async with asyncio.TaskGroup() as brokers:
            for leader, led in leaders.items():
                brokers.create_task(self._poll(leader, {one: ends[one] for one in led}))

    async def _poll(self, leader: int, offsets: dict[int, int]) -> None:
        while True:
            request = fetch_request(self._topic, offsets, ONE_BATCH, wait_ms=WAIT_MS)
            answer: Any = await self._connection.send(leader, request)
            is_news = False
            for _, parts in answer.topics:
                for partition, error_code, end, *_ in parts:
                    if error_code:
                        raise for_code(error_code)(f"partition {partition}")
                    is_news |= end > offsets[partition]
                    offsets[partition] = max(end, offsets[partition])
            if is_news:
                self._wakeup.wake()
