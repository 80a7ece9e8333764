"""Reads from Kafka by offset: a request a read, without groups and without prefetching."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from services.errors import Misconfigured, Unavailable
from services.log.kafka.address import Address
from services.log.kafka.connection import Connection
from services.log.kafka.failures import converted
from services.log.kafka.runner import Runner
from services.log.port import Position, Stored

WITHIN_S: Final = 15.0
FETCH_BYTES: Final = 4_000_000
READ_BYTES: Final = 32_000_000
"""Where a fetch and a read stop, packed and unpacked: records may be a megabyte each."""
LEAST_BYTES: Final = 16_000
RECORD_BYTES: Final = 300.0
"""What a record takes until we have seen some."""
LATEST: Final = -1
EARLIEST: Final = -2
NO_WAIT: Final = 0
COMMITTED_TO_REPLICAS: Final = 0
"""Kafka's READ_UNCOMMITTED: all that every replica in sync has; there are no transactions here."""


class Reader:
    """Reads any record; what a fetch brought beyond the limit is kept for the read that follows."""

    def __init__(self, address: Address, runner: Runner, partitions: int) -> None:
        self._address = address
        self._runner = runner
        self._partitions = partitions
        self._connection = Connection(address, "log-read")
        self._rest: dict[int, list[Stored]] = {}
        self._record_bytes: dict[int, float] = {}
        self._reading = threading.Lock()

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        """As the port promises; raises ``Misconfigured`` where the topic lost or hid a record."""
        with self._reading, converted(self._address):
            records = self._rest.pop(partition, [])
            if records and records[0].offset != offset:
                records = []
            size, is_end = sum(len(record.payload) for record in records), False
            while len(records) < limit and size < READ_BYTES and not is_end:
                found, is_end = self._fetched(
                    partition, offset + len(records), limit - len(records)
                )
                records += found
                size += sum(len(record.payload) for record in found)
            if len(records) > limit:
                self._rest[partition] = records[limit:]
            return records[:limit]

    def ends(self) -> Position:
        """The offset after the last record of every partition that all replicas in sync have."""
        with converted(self._address):
            return self._runner.run(
                self._connection.ask(
                    lambda to: end_offsets(to, self._address.topic, range(self._partitions))
                ),
                WITHIN_S,
            )

    def close(self) -> None:
        """Give the connections back."""
        self._runner.run(self._connection.close(), WITHIN_S)

    def _fetched(self, partition: int, offset: int, limit: int) -> tuple[list[Stored], bool]:
        """At least the records of one batch from ``offset`` on, and whether they are the last."""
        expected = int(limit * self._record_bytes.get(partition, RECORD_BYTES))
        wanted = min(max(expected, LEAST_BYTES), FETCH_BYTES)
        answer = self._runner.run(
            self._connection.ask(
                lambda to: _fetch(to, self._address.topic, partition, (offset, wanted))
            ),
            WITHIN_S,
        )
        if answer is None:
            self._refuse_forgotten(partition, offset)
            return [], True
        end, data = answer
        records = unpack(data, offset)
        if records:
            self._record_bytes[partition] = len(data) / len(records)
        elif offset < end:
            raise Unavailable(f"{self._address} gave nothing of partition {partition} at {offset}")
        if records and not records[0].offset + len(records) - 1 == records[-1].offset == (
            offset + len(records) - 1
        ):
            raise Misconfigured(
                f"{self._address} has gaps, partition {partition} from {offset} on: it was "
                "compacted or written to in transactions, and neither may be"
            )
        return records, offset + len(records) >= end

    def _refuse_forgotten(self, partition: int, offset: int) -> None:
        """Raise ``Misconfigured`` if what was asked for was there once."""
        first = self._runner.run(
            self._connection.ask(
                lambda to: _offsets(to, self._address.topic, [partition], EARLIEST)
            ),
            WITHIN_S,
        )[partition]
        if offset < first:
            raise Misconfigured(
                f"{self._address} has forgotten partition {partition} up to {first}, and {offset} "
                "was asked for: its retention must be without limit (touchline topics check)"
            )


def unpack(data: bytes, first: int) -> list[Stored]:
    """The records of ``data``, whole batches and perhaps a broken last one, from ``first`` on."""
    batches, found = MemoryRecords(data), list[Stored]()
    while batches.has_next():
        batch = batches.next_batch()
        if not batch.validate_crc():
            raise CorruptRecordException(f"a batch from {batch.base_offset} on is damaged")
        if batch.is_control_batch:
            continue
        # The broker's own time, one for the whole batch.
        recorded_at = datetime.fromtimestamp(batch.max_timestamp / 1_000, UTC)
        found += [
            Stored(record.offset, recorded_at, record.value or b"")
            for record in batch
            if record.offset >= first
        ]
    return found


async def _fetch(
    to: Connection, topic: str, partition: int, what: tuple[int, int]
) -> tuple[int, bytes] | None:
    """The partition's end, and batches from an offset on; None beyond the end or before the start.

    ``what`` is that offset, and how many bytes.
    """
    offset, size = what
    leaders = await to.partitions_by_leader([partition])
    request = fetch_request(topic, {partition: offset}, size, wait_ms=NO_WAIT)
    answer = await to.send(next(iter(leaders)), request)
    for _, parts in answer.topics:
        for _, error_code, end, *_, data in parts:
            error = for_code(error_code)
            if error is OffsetOutOfRangeError:
                return None
            if error_code:
                raise error(f"partition {partition} at {offset}")
            return end, data
    raise CorruptRecordException(f"an answer without partition {partition}")


def fetch_request(
    topic: str, offsets: Mapping[int, int], size: int, *, wait_ms: int
) -> FetchRequest:
    """For records from ``offsets`` on, ``size`` bytes of each partition, or one batch if larger."""
    wanted = [(partition, offset, size) for partition, offset in offsets.items()]
    return FetchRequest(wait_ms, 1, size, COMMITTED_TO_REPLICAS, [(topic, wanted)])


async def end_offsets(to: Connection, topic: str, partitions: Sequence[int]) -> dict[int, int]:
    """The offset that the next record of each of ``partitions`` will have."""
    return await _offsets(to, topic, partitions, LATEST)


async def _offsets(
    to: Connection, topic: str, partitions: Sequence[int], which: int
) -> dict[int, int]:
    """The first or the next offset of each of ``partitions``, as ``which`` says."""
    found: dict[int, int] = {}
    for leader, led in (await to.partitions_by_leader(partitions)).items():
        wanted = [(partition, which) for partition in led]
        answer: Any = await to.send(
            leader, OffsetRequest(-1, COMMITTED_TO_REPLICAS, [(topic, wanted)])
        )
        for _, parts in answer.topics:
            for partition, error_code, _, offset in parts:
                if error_code:
                    raise for_code(error_code)(f"partition {partition}")
                found[partition] = offset
    return dict(sorted(found.items()))
