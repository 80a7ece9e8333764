"""The feed: every record that counted is archived once, whatever is lost or away meanwhile."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from services.archive import feed
from services.archive.feed import ArchiveFeed, feed_once, prepare
from services.archive.memory import MemoryArchive, MemoryProgress
from services.archive.port import Piece, Range
from services.errors import BadRecord, Unavailable
from services.log.memory import MemoryLog
from services.log.port import Entry
from tests.contract.archive import ADA, piece, recorded

DEADLINE_S = 20.0


@dataclass
class Fed:
    """A log, what the projector says of it, and an archive."""

    log: MemoryLog
    progress: MemoryProgress
    archive: MemoryArchive

    def record(self, partition: int, count: int) -> None:
        """``count`` further events in ``partition``, all applied."""
        first = self.log.ends()[partition]
        events = (recorded(f"{partition}-{first + number:06}") for number in range(count))
        payloads = [record.payload for record in piece(*events).records]
        self.log.append([Entry(partition, payload) for payload in payloads])
        self.progress.next[partition] = first + count

    def skip(self, partition: int, *offsets: int) -> None:
        self.progress.left_out.setdefault(partition, set()).update(offsets)

    def feed(self) -> None:
        prepare(self.log, self.progress, self.archive)
        while feed_once(self.log, self.progress, self.archive):
            pass

    def found(self) -> list[str]:
        """The ids of everything archived."""
        return sorted(touch.id for touch in self.archive.timeline("w", [ADA], limit=10**9))

    def expected(self) -> list[str]:
        """The ids of everything that counted."""
        return sorted(
            f"{partition}-{offset:06}"
            for partition, end in self.progress.next.items()
            for offset in range(end)
            if offset not in self.progress.left_out.get(partition, ())
        )


@pytest.fixture
def fed() -> Fed:
    return Fed(MemoryLog(4), MemoryProgress(), MemoryArchive())


def test_all_partitions_travel_in_one_insert(fed: Fed) -> None:
    fed.record(1, 3)
    fed.record(2, 2)
    prepare(fed.log, fed.progress, fed.archive)

    count = feed_once(fed.log, fed.progress, fed.archive)

    assert count == 5
    assert fed.found() == fed.expected()
    assert dict(fed.progress.archived()) == {1: 3, 2: 2}
    assert feed_once(fed.log, fed.progress, fed.archive) == 0


def test_the_projector_s_checkpoint_is_never_passed(fed: Fed) -> None:
    fed.record(1, 10)
    fed.progress.next[1] = 4

    fed.feed()

    assert fed.found() == fed.expected()
    assert dict(fed.progress.archived()) == {1: 4}


def test_what_was_skipped_is_left_out_and_may_be_all_there_is(fed: Fed) -> None:
    fed.record(1, 5)
    fed.record(2, 3)
    fed.skip(1, 0, 4)
    fed.skip(2, 0, 1, 2)

    fed.feed()

    assert fed.found() == ["1-000001", "1-000002", "1-000003"]
    assert dict(fed.progress.archived()) == {1: 5, 2: 3}


def test_an_insert_is_limited_in_rows_and_every_partition_has_its_share(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ROWS", 10)
    fed.record(1, 100)
    fed.record(2, 3)
    prepare(fed.log, fed.progress, fed.archive)

    count = feed_once(fed.log, fed.progress, fed.archive)

    assert count == 10
    assert dict(fed.progress.archived()) == {1: 7, 2: 3}
    fed.feed()
    assert fed.found() == fed.expected()


def test_an_insert_is_limited_in_bytes_but_takes_one_record_however_large(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "BYTES", 10)
    fed.record(1, 3)
    prepare(fed.log, fed.progress, fed.archive)

    counts = [feed_once(fed.log, fed.progress, fed.archive) for _ in range(4)]

    assert counts == [1, 1, 1, 0]
    assert fed.found() == fed.expected()


class Flaky(MemoryArchive):
    """Does or does not do what it is asked, and says neither."""

    def __init__(self, outcomes: Sequence[bool]) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        if not self.outcomes:
            super().insert(pieces, token)
            return
        if self.outcomes.pop(0):
            super().insert(pieces, token)
        raise Unavailable("the connection broke")


@pytest.mark.parametrize("is_done", [True, False])
def test_an_insert_of_unknown_outcome_is_made_again_as_it_was(is_done: bool) -> None:
    fed = Fed(MemoryLog(4), MemoryProgress(), Flaky([is_done, is_done]))
    fed.record(1, 5)
    fed.skip(1, 2)
    prepare(fed.log, fed.progress, fed.archive)
    with pytest.raises(Unavailable):
        feed_once(fed.log, fed.progress, fed.archive)
    fed.record(1, 5)
    with pytest.raises(Unavailable):
        feed_once(fed.log, fed.progress, fed.archive)

    fed.feed()

    assert fed.found() == fed.expected()
    assert len(fed.found()) == 9


class Hasty(MemoryArchive):
    """Remembers tokens before the rows stand, as ClickHouse does, and fails between the two."""

    failures = 2

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        if self.failures:
            self.failures -= 1
            self._tokens.add(token)
            raise Unavailable("no space left")
        super().insert(pieces, token)


def test_an_insert_that_left_its_token_but_no_rows_is_not_taken_for_done() -> None:
    fed = Fed(MemoryLog(4), MemoryProgress(), Hasty())
    fed.record(1, 5)
    prepare(fed.log, fed.progress, fed.archive)
    for _ in range(Hasty.failures):
        with pytest.raises(Unavailable):
            feed_once(fed.log, fed.progress, fed.archive)

    fed.feed()

    assert fed.found() == fed.expected()


def test_an_archive_that_was_lost_is_fed_again_from_the_start(fed: Fed) -> None:
    fed.record(1, 5)
    fed.record(2, 5)
    fed.feed()

    fed.archive = MemoryArchive()
    fed.feed()

    assert fed.found() == fed.expected()


def test_a_store_that_was_lost_does_not_double_what_is_archived(fed: Fed) -> None:
    fed.record(1, 5)
    fed.feed()

    fed.progress = MemoryProgress()
    fed.progress.next = {1: 5}
    fed.feed()

    assert fed.found() == fed.expected()


def test_rows_that_a_power_cut_took_are_noticed_and_fed_again(fed: Fed) -> None:
    fed.record(1, 5)
    fed.feed()
    del fed.archive._rows[2]

    fed.feed()

    assert fed.found() == fed.expected()


def test_a_store_from_an_older_backup_does_not_double_what_is_archived(fed: Fed) -> None:
    fed.record(1, 5)
    fed.feed()
    fed.record(1, 5)
    older = dict(fed.progress.archived())
    fed.feed()

    fed.progress._archived = older
    fed.feed()

    assert fed.found() == fed.expected()


def test_a_record_that_the_archive_can_t_take_stops_the_feed_before_it(fed: Fed) -> None:
    fed.record(1, 2)
    fed.log.append([Entry(1, b"{")])
    fed.progress.next[1] = 3

    with pytest.raises(BadRecord):
        fed.feed()

    assert fed.found() == []


class Running:
    """A feed in a thread of its own, until the block ends."""

    def __init__(self, fed: Fed) -> None:
        self._stop = threading.Event()
        run = ArchiveFeed(fed.log, fed.progress, fed.archive).run
        self._thread = threading.Thread(target=run, args=[self._stop])

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


class Watched(Flaky):
    """Tells when it holds ``wanted`` rows."""

    def __init__(self, outcomes: Sequence[bool], wanted: int) -> None:
        super().__init__(outcomes)
        self.is_full = threading.Event()
        self._wanted = wanted

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        super().insert(pieces, token)
        if len(self._rows) >= self._wanted:
            self.is_full.set()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FLUSH_S", 0.01)
    monkeypatch.setattr(feed, "LONGEST_BACK_OFF_S", 0.02)


@pytest.mark.usefixtures("quick")
def test_the_feed_goes_on_by_itself_when_the_archive_comes_back() -> None:
    archive = Watched([True, False, False, True, False], wanted=9)
    fed = Fed(MemoryLog(4), MemoryProgress(), archive)
    fed.record(1, 9)

    with Running(fed):
        assert archive.is_full.wait(DEADLINE_S)

    assert fed.found() == fed.expected()


def test_ranges_that_the_log_no_longer_gives_are_waited_for(fed: Fed) -> None:
    planned: Mapping[int, Range] = {1: (0, 9)}
    fed.record(1, 5)
    fed.progress.plan(planned)

    with pytest.raises(Unavailable, match="planned for the archive"):
        feed_once(fed.log, fed.progress, fed.archive)
