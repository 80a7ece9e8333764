"""Batches as Kafka's brokers give them: cut where a fetch ends, and begun before an offset."""

import struct
from datetime import UTC, datetime

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from services.log.kafka.reader import unpack

NOW_MS = 1_764_000_000_123
NONE, ZSTD = 0, 4


@pytest.mark.parametrize("compression", [NONE, ZSTD])
def test_records_come_with_their_offsets_and_the_batchs_time(compression: int) -> None:
    data = a_batch(10, b"a", b"", compression=compression) + a_batch(12, b"c")

    found = unpack(data, 10)

    assert [(one.offset, one.payload) for one in found] == [(10, b"a"), (11, b""), (12, b"c")]
    assert found[0].recorded_at == datetime.fromtimestamp(NOW_MS / 1_000, UTC)


def test_a_batch_that_the_fetch_cut_off_is_for_the_next_one() -> None:
    data = a_batch(0, b"a") + a_batch(1, b"b")

    assert [one.offset for one in unpack(data[:-1], 0)] == [0]


def test_what_lies_before_the_offset_is_left_out() -> None:
    assert [one.payload for one in unpack(a_batch(5, b"a", b"b", b"c"), 6)] == [b"b", b"c"]


def test_a_damaged_batch_is_refused() -> None:
    data = a_batch(0, b"a")

    with pytest.raises(CorruptRecordException, match="from 0 on is damaged"):
        unpack(data[:-1] + bytes([data[-1] ^ 1]), 0)


def a_batch(first_offset: int, *payloads: bytes, compression: int = NONE) -> bytes:
    """A record batch as a broker stores it."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, 0, 1_000_000)
    for number, payload in enumerate(payloads):
        builder.append(number, NOW_MS, None, payload, [])
    return struct.pack(">q", first_offset) + bytes(builder.build())[8:]
