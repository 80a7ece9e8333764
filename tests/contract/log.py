"""What every log does; an adapter's tests inherit this."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta

import pytest

from services.log.port import Entry, Log, Position, Stored

WRITERS = 8
APPENDS = 25
DEADLINE_S = 20.0


class LogContract:
    """The subclass gives two fixtures: ``log``, and ``other``, as another process has it."""

    def test_records_come_back_as_they_were_appended(self, log: Log) -> None:
        log.append(entries(1, b"a", b"b"))
        log.append(entries(1, b"c"))

        assert payloads(log.read(1, 0, 10)) == [b"a", b"b", b"c"]

    def test_offsets_of_each_partition_count_from_zero(self, log: Log) -> None:
        log.append([Entry(1, b"a"), Entry(2, b"b"), Entry(1, b"c")])
        log.append([Entry(0, b"d"), Entry(2, b"e")])

        assert [record.offset for record in log.read(0, 0, 10)] == [0]
        assert [record.offset for record in log.read(1, 0, 10)] == [0, 1]
        assert [record.offset for record in log.read(2, 0, 10)] == [0, 1]

    def test_a_position_is_what_follows_the_last_record_of_each_partition(self, log: Log) -> None:
        first = log.append([Entry(1, b"a"), Entry(2, b"b"), Entry(1, b"c")])
        second = log.append(entries(2, b"d"))

        assert first == {1: 2, 2: 1}
        assert second == {2: 2}

    def test_the_ends_name_every_partition(self, log: Log) -> None:
        log.append([Entry(1, b"a"), Entry(3, b"b"), Entry(1, b"c")])

        assert log.ends() == dict.fromkeys(range(log.partitions), 0) | {1: 2, 3: 1}

    def test_appending_nothing_changes_nothing(self, log: Log) -> None:
        position = log.append([])

        assert position == {}
        assert log.ends() == dict.fromkeys(range(log.partitions), 0)

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\n\r\n\x00\xff\t\\N\\.", id="control"),
            pytest.param(b"\x28\xb5\x2f\xfd", id="a compressed frame's beginning"),
            pytest.param(os.urandom(1_000_000), id="a megabyte that does not compress"),
            pytest.param(bytes(1_000_000), id="a megabyte that does"),
        ],
    )
    def test_any_bytes_come_back(self, log: Log, payload: bytes) -> None:
        log.append([Entry(1, payload), Entry(1, payload), Entry(2, payload)])

        assert payloads(log.read(1, 0, 10)) == [payload, payload]
        assert payloads(log.read(2, 0, 10)) == [payload]

    def test_a_read_may_begin_and_end_anywhere(self, log: Log) -> None:
        written = [str(number).encode() for number in range(4_505)]
        for start, end in [(0, 1), (1, 4), (4, 4_504), (4_504, 4_505)]:
            log.append(entries(1, *written[start:end]))

        for offset in [0, 1, 2, 3, 4, 5, 2_003, 2_004, 2_005, 4_003, 4_503, 4_504, 4_505]:
            for limit in [1, 2, 1_999, 2_000, 2_001, 5_000]:
                read = log.read(1, offset, limit)

                assert payloads(read) == written[offset : offset + limit]
                assert [record.offset for record in read] == [
                    *range(offset, min(offset + limit, 4_505))
                ]

    def test_reading_beyond_the_end_gives_nothing(self, log: Log) -> None:
        log.append(entries(1, b"a"))

        assert list(log.read(1, 1, 10)) == []
        assert list(log.read(1, 1_000, 10)) == []
        assert list(log.read(2, 0, 10)) == []

    def test_what_is_appended_is_there_for_everybody(self, log: Log, other: Log) -> None:
        position = log.append([Entry(1, b"a"), Entry(2, b"b")])

        assert other.partitions == log.partitions
        assert {**other.ends(), **position} == other.ends()
        assert payloads(other.read(1, 0, 10)) == [b"a"]
        assert payloads(other.read(2, 0, 10)) == [b"b"]

    def test_records_are_stamped_in_their_order(self, log: Log, other: Log) -> None:
        for _ in range(5):
            log.append(entries(1, b"a", b"b"))
            other.append(entries(1, b"c"))

        stamps = [record.recorded_at for record in log.read(1, 0, 100)]

        assert stamps == sorted(stamps)
        assert {stamp.utcoffset() for stamp in stamps} == {timedelta(0)}
        assert stamps[0].tzinfo is UTC

    @pytest.mark.parametrize("partition", [-1, 10_000])
    def test_an_append_that_can_not_be_whole_is_not_made_at_all(
        self, log: Log, partition: int
    ) -> None:
        with pytest.raises(ValueError, match="partition"):
            log.append([Entry(1, b"a"), Entry(partition, b"b"), Entry(2, b"c")])

        assert log.ends() == dict.fromkeys(range(log.partitions), 0)

    def test_every_caller_gets_the_position_of_its_own_records(self, log: Log, other: Log) -> None:
        def write(writer: int) -> list[tuple[bytes, int, Position]]:
            handle, written = (log, other)[writer % 2], []
            for number in range(APPENDS):
                payload, partition = f"{writer}-{number}".encode(), 1 + (writer + number) % 3
                position = handle.append([Entry(0, payload), Entry(partition, payload)])
                written.append((payload, partition, position))
            return written

        with ThreadPoolExecutor(WRITERS) as pool:
            answers = [answer for written in pool.map(write, range(WRITERS)) for answer in written]

        for payload, partition, position in answers:
            assert set(position) == {0, partition}
            assert payloads(log.read(0, position[0] - 1, 1)) == [payload]
            assert payloads(log.read(partition, position[partition] - 1, 1)) == [payload]

    def test_a_reader_beside_writers_never_sees_a_gap(self, log: Log, other: Log) -> None:
        partitions, done = (1, 2, 3), threading.Event()

        def write(writer: int) -> None:
            handle = (log, other)[writer % 2]
            # Half of them name the partitions in the opposite order: nobody waits in a circle.
            order = partitions if writer % 4 < 2 else partitions[::-1]
            for number in range(APPENDS):
                handle.append(
                    [Entry(partition, f"{writer} {number}".encode()) for partition in order]
                )

        def read() -> dict[int, list[bytes]]:
            seen: dict[int, list[bytes]] = {partition: [] for partition in partitions}
            is_last = False
            while not is_last:
                is_last = done.is_set()
                for partition, records in seen.items():
                    for record in other.read(partition, len(records), 1_000):
                        assert record.offset == len(records)
                        records.append(record.payload)
            return seen

        with ThreadPoolExecutor(WRITERS + 1) as pool:
            reader = pool.submit(read)
            try:
                list(pool.map(write, range(WRITERS)))
            finally:
                done.set()
            seen = reader.result()

        assert log.ends() == dict.fromkeys(range(log.partitions), 0) | dict.fromkeys(
            partitions, WRITERS * APPENDS
        )
        for partition, records in seen.items():
            assert records == payloads(log.read(partition, 0, 10_000))
            for writer in range(WRITERS):
                own = [record for record in records if record.startswith(f"{writer} ".encode())]
                assert own == [f"{writer} {number}".encode() for number in range(APPENDS)]

    def test_who_waits_is_woken_by_anybodys_append(self, log: Log, other: Log) -> None:
        ready, woken = threading.Barrier(3), threading.Barrier(3)

        def wait() -> None:
            reader = iter(lambda: bool(other.read(1, 0, 1)), True)
            ready.wait(DEADLINE_S)
            for _ in reader:
                other.wait(DEADLINE_S)
            woken.wait(DEADLINE_S / 2)

        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(wait) for _ in range(2)]
            ready.wait(DEADLINE_S)
            log.append(entries(1, b"a"))

            woken.wait(DEADLINE_S / 2)
            for waiter in waiting:
                waiter.result()

    def test_what_was_appended_before_the_wait_wakes_it_too(self, log: Log, other: Log) -> None:
        other.wait(0)
        log.append(entries(1, b"a"))

        other.wait(DEADLINE_S)

        assert payloads(other.read(1, 0, 1)) == [b"a"]

    def test_a_wait_ends_when_nothing_comes(self, log: Log) -> None:
        for _ in range(3):
            log.wait(0.01)

        assert list(log.read(1, 0, 1)) == []


def entries(partition: int, *written: bytes) -> list[Entry]:
    return [Entry(partition, payload) for payload in written]


def payloads(records: Sequence[Stored]) -> list[bytes]:
    return [record.payload for record in records]
