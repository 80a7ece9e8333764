"""Batches: what one transaction takes from the log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.log.port import Entry

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Seconds:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self._times: Iterator[datetime] = (NOON + timedelta(seconds=one) for one in range(1_000))

    def now(self) -> datetime:
        return next(self._times)


def appended(*appends: Sequence[int]) -> MemoryLog:
    """A log of four partitions; each append has one record for each partition it names."""
    log = MemoryLog(4, Seconds())
    for partitions in appends:
        log.append([Entry(at, b"{}") for at in partitions])
    return log


def filled(*counts: int) -> MemoryLog:
    """A log with so many records in each partition."""
    log = MemoryLog(len(counts))
    log.append([Entry(at, b"{}") for at, count in enumerate(counts) for _ in range(count)])
    return log


@pytest.mark.parametrize(
    ("counts", "limit", "taken"),
    [
        ((0, 0, 0), 10, {}),
        ((3, 4, 2), 10, {0: 3, 1: 4, 2: 2}),
        ((0, 90, 90), 10, {1: 5, 2: 5}),
        ((0, 1, 90), 10, {1: 1, 2: 9}),
        ((2, 90, 90), 9, {0: 1, 1: 4, 2: 4}),
        ((30, 60, 90), 18, {0: 3, 1: 6, 2: 9}),
        ((9, 9, 9), 1, {0: 1}),
    ],
)
def test_a_batch_is_no_larger_than_its_limit_and_each_partition_has_its_share(
    counts: tuple[int, ...], limit: int, taken: dict[int, int]
) -> None:
    log = filled(*counts)

    batch = read_batch(log, {}, log.ends(), limit=limit)

    assert {piece.partition: len(piece.records) for piece in batch} == taken


def test_a_batch_begins_where_its_partitions_are() -> None:
    log = filled(0, 5, 5)

    batch = read_batch(log, {1: 3, 2: 5}, log.ends())

    assert [(piece.partition, piece.first, piece.next) for piece in batch] == [(1, 3, 5)]


def test_nothing_is_taken_that_was_recorded_later_than_what_is_left() -> None:
    log = appended([1] * 10 + [2], [1] * 10 + [2], [2] * 30)

    batch = read_batch(log, {}, log.ends(), limit=12)

    assert [(piece.partition, piece.next) for piece in batch] == [(1, 4), (2, 1)]


def test_a_backlog_is_taken_in_the_order_in_which_it_was_recorded() -> None:
    log = appended(*([1 + at % 3 for at in range(1 + second % 7)] for second in range(60)))
    positions: dict[int, int] = {}
    latest = NOON

    while batch := read_batch(log, positions, log.ends(), limit=20):
        assert min(piece.records[0].recorded_at for piece in batch) >= latest
        latest = max(piece.records[-1].recorded_at for piece in batch)
        positions |= {piece.partition: piece.next for piece in batch}

    assert positions == {one: end for one, end in log.ends().items() if end}
