"""Record batches: what is packed comes out again."""

from hypothesis import given
from hypothesis import strategies as st

from services.log.port import Entry
from services.log.record_batch import MAX_BYTES, MAX_RECORDS, RecordBatch, pack, unpack

ENTRIES = st.lists(st.builds(Entry, st.integers(0, 3), st.binary(max_size=1_200)), max_size=30)


@given(ENTRIES)
def test_each_partition_keeps_its_records_in_order(entries: list[Entry]) -> None:
    batches = pack(entries)

    for partition in range(4):
        appended = [entry.payload for entry in entries if entry.partition == partition]
        assert unpacked(batches, partition) == appended


@given(ENTRIES)
def test_partitions_ascend_and_counts_are_right(entries: list[Entry]) -> None:
    batches = pack(entries)

    assert [batch.partition for batch in batches] == sorted(batch.partition for batch in batches)
    assert all(len(unpack(batch.payload)) == batch.records for batch in batches)


def test_no_batch_holds_too_many_records() -> None:
    batches = pack([Entry(1, b"a")] * (2 * MAX_RECORDS + 1))

    assert [batch.records for batch in batches] == [MAX_RECORDS, MAX_RECORDS, 1]


def test_no_batch_holds_too_many_bytes_but_a_record_is_never_cut() -> None:
    half, huge = bytes(MAX_BYTES // 2), bytes(2 * MAX_BYTES)

    batches = pack([Entry(1, payload) for payload in (half, half, half, huge, half)])

    assert [batch.records for batch in batches] == [2, 1, 1, 1]
    assert unpacked(batches, 1) == [half, half, half, huge, half]


def test_large_batches_shrink_and_small_ones_are_left_alone() -> None:
    (small,) = pack([Entry(1, b"a" * 100)])
    (large,) = pack([Entry(1, b"a" * 100)] * 1_000)

    assert b"a" * 100 in small.payload
    assert len(large.payload) < 1_000


def unpacked(batches: list[RecordBatch], partition: int) -> list[bytes]:
    return [
        payload
        for batch in batches
        if batch.partition == partition
        for payload in unpack(batch.payload)
    ]
