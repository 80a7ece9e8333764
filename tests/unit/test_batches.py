"""Batches: what one transaction takes from the log."""

import pytest

from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.log.port import Entry


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
