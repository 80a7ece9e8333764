"""What the transport hands over of what a fetch brought; its driver is asked for nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("faust")

from aiokafka import TopicPartition
from faust.types import TP

from services.errors import Misconfigured
from services.projector.transport import MOST_HOLES, Consumer, slices

RECORDED_MS = 1_767_225_600_000


@dataclass
class Record:
    """As aiokafka has it."""

    offset: int
    value: bytes | None = b"x"
    timestamp: int = RECORDED_MS
    timestamp_type: int = 1


@dataclass
class Keeper:
    """Whoever folds; these partitions wait for control."""

    waiting: set[int] = field(default_factory=set)
    came: Mapping[int, int] = field(default_factory=dict)

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        assert recorded_at == datetime(2026, 1, 1, tzinfo=UTC)
        return partition not in self.waiting


class Running(Consumer):
    """One that nobody stops."""

    should_stop = False


class Pair:
    """A consumer and its keeper."""

    def __init__(self, positions: Mapping[int, int]) -> None:
        self.keeper, self.sought = Keeper(), list[Mapping[TP, int]]()
        consumer = self.consumer = Running.__new__(Running)
        consumer.transport = type("Transport", (), {"keeper": self.keeper})()
        consumer._next = {tp(partition): offset for partition, offset in positions.items()}
        consumer._kept, consumer._holes, consumer.flow_active = {}, 0, True
        consumer._active_partitions, consumer._paused_partitions = set(consumer._next), set()
        consumer.seek_wait = self._seek  # type: ignore[method-assign]

    async def _seek(self, partitions: Mapping[TP, int]) -> None:
        self.sought.append(partitions)

    def following(self, partition: int, *offsets: int) -> list[int]:
        """The offsets that are handed on."""
        records = [Record(offset) for offset in offsets]
        found = asyncio.run(self.consumer._following(tp(partition), records))
        return [record.offset for record in found]

    def ready(self, **kept: Sequence[int]) -> list[list[int]]:
        """The partitions of each message."""
        for name, offsets in kept.items():
            self.consumer._kept[tp(int(name[1:]))] = [Record(offset) for offset in offsets]
        return [[of.partition for of, _ in pieces] for pieces in self.consumer._ready()]


def tp(partition: int) -> Any:
    return TP("t", partition)


def test_records_follow_one_another_whatever_was_under_way() -> None:
    pair = Pair({1: 10})

    found = [pair.following(1, 10, 11), pair.following(1, 10, 11, 12), pair.following(1, 11)]

    assert found == [[10, 11], [12], []]
    assert pair.sought == []


def test_what_comes_too_early_is_read_again() -> None:
    pair = Pair({1: 10})

    found = [pair.following(1, 12, 13), pair.following(1, 10, 11)]

    assert found == [[], [10, 11]]
    assert pair.sought == [{tp(1): 10}]


def test_records_that_never_come_are_told_of() -> None:
    pair = Pair({1: 10})

    found = [pair.following(1, 12) for _ in range(MOST_HOLES)]

    assert not any(found)
    with pytest.raises(Misconfigured, match="partition 1 of topic t goes on at 12, and 10 was"):
        pair.following(1, 12)


def test_a_partition_that_waited_goes_on_by_the_name_that_the_client_has_for_it() -> None:
    pair = Pair({1: 10})
    consumer, fetched = pair.consumer, [{TopicPartition("t", 1): [Record(10)]}, {}, {}]

    async def fetch(_: float) -> Any:
        return fetched.pop(0), None

    async def has_room(_: float) -> bool:
        return True

    async def messages() -> int:
        return len([message async for message in consumer.getmany(0.0)])

    vars(consumer).update(
        _wait_next_records=fetch,
        _thread=SimpleNamespace(pace=lambda _: None),
        _message=lambda pieces: pieces,
        transport=SimpleNamespace(
            keeper=pair.keeper, has_room=has_room, begun=lambda: None, took_s=0.0
        ),
    )
    pair.keeper.waiting = {1}
    waited = asyncio.run(messages())
    assert consumer._paused_partitions == {tp(1)}
    pair.keeper.waiting = set()

    assert (waited, asyncio.run(messages())) == (0, 1)
    # Which looks whether all are of Faust's own kind.
    assert consumer._get_active_partitions() == {tp(1)}


def test_nothing_is_handed_on_of_a_partition_that_is_not_ours() -> None:
    assert Pair({1: 10}).following(2, 10) == []


def test_control_comes_first_and_alone_and_all_others_together() -> None:
    assert Pair({0: 0, 1: 0, 2: 0}).ready(p2=[0], p0=[0], p1=[0]) == [[0], [1, 2]]


def test_what_has_to_wait_is_given_back_paused_and_goes_on_later() -> None:
    pair = Pair({0: 0, 1: 0, 2: 0})
    pair.keeper.waiting = {1}

    at_first = pair.ready(p0=[0], p1=[0], p2=[0])
    is_paused = tp(1) in pair.consumer._paused_partitions
    pair.keeper.waiting = set()
    then = pair.ready()

    assert (at_first, is_paused, then) == ([[0], [2]], True, [[1]])
    assert pair.consumer._paused_partitions == set()
    assert tp(1) in pair.consumer._active_partitions


def test_what_came_before_the_flow_goes_on_is_handed_on_then() -> None:
    pair = Pair({0: 0, 1: 0, 2: 0})
    pair.consumer.flow_active = False

    at_first = pair.ready(p1=[0], p2=[0])
    pair.consumer.flow_active = True

    assert (at_first, pair.ready(), pair.ready()) == ([], [[1, 2]], [])


def test_what_was_taken_over_anew_between_two_messages_is_not_handed_on() -> None:
    pair = Pair({0: 0, 1: 0})
    pair.ready()
    pair.consumer._kept |= {tp(0): [Record(0)], tp(1): [Record(0)]}
    messages = pair.consumer._ready()

    first = next(messages)
    pair.consumer._kept.clear()

    assert [of.partition for of, _ in first] == [0]
    assert list(messages) == []


def test_folds_are_given_slices_with_the_brokers_time() -> None:
    (piece,) = slices([(3, [Record(7, b"a"), Record(8, None)])])

    assert (piece.partition, piece.first, piece.next) == (3, 7, 9)
    assert [record.payload for record in piece.records] == [b"a", b""]
    assert {record.recorded_at for record in piece.records} == {datetime(2026, 1, 1, tzinfo=UTC)}
