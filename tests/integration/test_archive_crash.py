"""What is fed to the archive is there once, whatever happens to front, folder or disk."""

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services.archive import feed
from services.archive.clickhouse import ClickHouseArchive
from services.archive.feed import ArchiveFeed
from services.archive.memory import MemoryProgress
from services.archive.port import Archive
from services.errors import TouchlineError
from services.log.memory import MemoryLog
from services.log.port import Entry
from tests.campaign import Campaign
from tests.contract.archive import ADA, piece, recorded
from tests.disks import resize, small_disk
from tests.front import FrontProcess
from tests.reported import Fault, Noted

DEADLINE_S = 90.0
PARTITIONS = 4
TOLD = "SELECT count(), sum(length(v)) FROM told"


class Source:
    """A log whose every record is applied, but for each seventh."""

    def __init__(self) -> None:
        self.log = MemoryLog(PARTITIONS)
        self.progress = MemoryProgress()
        self._events = 0

    def record(self, count: int, *, size: int = 100) -> None:
        """``count`` more events over all partitions, of about ``size`` bytes each."""
        noise = random.Random(0)
        events = [
            recorded(
                f"e-{self._events + number:07}",
                data=b'{"x":"%b"}' % noise.randbytes(size // 2).hex().encode(),
            )
            for number in range(count)
        ]
        self._events += count
        self.log.append(
            [
                Entry(1 + number % (PARTITIONS - 1), record.payload)
                for number, record in enumerate(piece(*events).records)
            ]
        )
        ends = dict(self.log.ends())
        self.progress.left_out = {
            partition: set(range(0, end, 7)) for partition, end in ends.items()
        }
        self.progress.next = ends

    @property
    def expected(self) -> int:
        """How many rows that makes."""
        left_out = sum(len(offsets) for offsets in self.progress.left_out.values())
        return self._events - left_out


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FLUSH_S", 0.02)
    monkeypatch.setattr(feed, "LONGEST_BACK_OFF_S", 0.1)
    monkeypatch.setattr(feed, "ROWS", 500)


@contextmanager
def feeding(source: Source, archive: Archive) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """The feed runs inside the block; calling what it gives waits until something holds."""
    stop, waiting = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=ArchiveFeed(source.log, source.progress, archive).run, args=[stop]
    )
    thread.start()

    def until(holds: Callable[[], bool]) -> None:
        for _ in range(int(DEADLINE_S / 0.02)):
            if holds():
                return
            waiting.wait(0.02)
        pytest.fail("it did not come to hold in time")

    try:
        yield until
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def is_fed(source: Source) -> bool:
    return (
        dict(source.progress.archived()).items()
        >= {partition: end for partition, end in source.log.ends().items() if end}.items()
    )


def assert_each_once(archive: ClickHouseArchive, source: Source) -> None:
    assert sum(archive.rows().values()) == source.expected
    found = archive._connected().query(
        "SELECT uniqExact(id), uniqExact(partition, offset) FROM event"
    )
    assert found.result_rows == [(source.expected, source.expected)]


@pytest.mark.fault(Fault.KILLS)
def test_kills_in_the_middle_of_inserts_lose_and_double_nothing(
    tmp_path: Path, source: Source, campaign: Campaign, noted: Noted
) -> None:
    moments, kills = random.Random(campaign.seed), campaign.of(2, 10)
    with FrontProcess(tmp_path / "chdb") as front:
        archive = front.archive()
        source.record(2_000)
        with feeding(source, archive) as until:
            for _ in range(kills):
                source.record(5_000)
                before = sum(source.progress.archived().values())
                until(lambda before=before: sum(source.progress.archived().values()) > before)  # type: ignore[misc]
                threading.Event().wait(moments.uniform(0, 0.03))
                front.kill()
                front.start()
            until(lambda: is_fed(source))

        assert_each_once(archive, source)
        noted.add(kills=kills, events=source.expected)
        archive.close()


def test_a_folder_deleted_while_it_was_down_is_filled_again(tmp_path: Path, source: Source) -> None:
    with FrontProcess(tmp_path / "chdb") as front:
        archive = front.archive()
        source.record(3_000)
        with feeding(source, archive) as until:
            until(lambda: is_fed(source))
            front.kill()
            shutil.rmtree(tmp_path / "chdb")
            front.start()
            source.record(100)
            until(lambda: count(archive) == source.expected)

        assert_each_once(archive, source)
        assert len(archive.timeline("w", [ADA], limit=10)) == 10
        archive.close()


def test_a_full_disk_is_waited_for_and_then_caught_up_with(tmp_path: Path, source: Source) -> None:
    with small_disk(tmp_path / "disk", size_mb=24) as disk, FrontProcess(disk / "chdb") as front:
        archive = front.archive()
        source.record(500)
        with feeding(source, archive) as until:
            until(lambda: is_fed(source))
            source.record(8_000, size=6_000)
            until(lambda: shutil.disk_usage(disk).free < 2 << 20 or is_fed(source))
            assert not is_fed(source)
            assert len(archive.timeline("w", [ADA], limit=10)) == 10

            resize(disk, size_mb=400)
            until(lambda: is_fed(source))

        assert_each_once(archive, source)
        archive.close()


def break_a_merged_part(folder: Path, http: httpx.Client) -> None:
    """2,000 numbers in a table, as a merge of two parts leaves it that ran out of space."""
    http.post("/", content="CREATE TABLE told (k UInt64, v String) ORDER BY k")
    for first in (0, 1_000):
        numbers = f"SELECT number + {first}, toString(number) FROM numbers(1000)"
        http.post("/", content=f"INSERT INTO told {numbers}")
    http.post("/", content="OPTIMIZE TABLE told FINAL")
    # Nobody has read it by now: whoever had would keep where its rows begin.
    (merged,) = folder.glob("chdb/store/*/*/all_1_2_1")
    for file in merged.glob("*mrk*"):
        file.write_bytes(b"")


def test_a_part_that_was_left_broken_is_taken_back_from_those_it_was_merged_from(
    tmp_path: Path,
) -> None:
    with FrontProcess(tmp_path / "chdb") as front, front.http() as http:
        break_a_merged_part(tmp_path / "chdb", http)

        front.kill()
        front.start()

        assert http.post("/", content=TOLD).text == "2000\t5780\n"


def test_a_front_that_finds_a_broken_part_ends_so_that_another_sets_it_aside(
    tmp_path: Path,
) -> None:
    with FrontProcess(tmp_path / "chdb") as front, front.http() as http:
        break_a_merged_part(tmp_path / "chdb", http)

        answer = http.post("/", content="SELECT sum(k), any(v) FROM told")

        assert (answer.status_code, front.ended()) == (500, 1)
        assert "CORRUPTED_DATA" in answer.text
        front.start()
        assert http.post("/", content=TOLD).text == "2000\t5780\n"


def count(archive: Archive) -> int:
    try:
        return sum(archive.rows().values())
    except TouchlineError:
        return -1
