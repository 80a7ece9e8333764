"""The feed: every record that counted is archived once, whatever is lost or away meanwhile."""

from collections.abc import Mapping, Sequence

import pytest

from services.archive import feed
from services.archive.feed import feed_once, prepare
from services.archive.memory import MemoryArchive, MemoryProgress
from services.archive.port import Piece, Range
from services.errors import BadRecord, Unavailable
from services.log.memory import MemoryLog
from services.log.port import Entry
from tests.contract.fed import Fed, Flaky


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


def test_ranges_that_the_log_no_longer_gives_are_waited_for(fed: Fed) -> None:
    planned: Mapping[int, Range] = {1: (0, 9)}
    fed.record(1, 5)
    fed.progress.plan(planned)

    with pytest.raises(Unavailable, match="planned for the archive"):
        feed_once(fed.log, fed.progress, fed.archive)
