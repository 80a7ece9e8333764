"""Topics that would lose what was promised are refused, with what to do about it."""

from dataclasses import replace
from typing import Any

import pytest

from services.log.kafka.topic import MESSAGE_BYTES, Topic, complaints

GOOD = Topic(
    name="touchline.events",
    partitions=16,
    copies=3,
    in_sync=3,
    least_in_sync=2,
    brokers=5,
    retention_ms=-1,
    retention_bytes=-1,
    message_bytes=MESSAGE_BYTES,
    is_compacted=False,
    is_stamped_by_broker=True,
    may_elect_unclean=False,
)


@pytest.mark.parametrize(
    "topic",
    [
        GOOD,
        replace(GOOD, copies=1, in_sync=1, least_in_sync=1, brokers=1),
        replace(GOOD, copies=2, in_sync=2, least_in_sync=1, brokers=2),
        # A replica that lags is the brokers' to mend: appends wait for those in sync.
        replace(GOOD, in_sync=2),
    ],
)
def test_a_topic_with_as_many_copies_as_brokers_allow_and_no_end_is_good(topic: Topic) -> None:
    assert list(complaints(topic, may_expire=False)) == []


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"partitions": 1}, "make another topic"),
        ({"retention_ms": 604_800_000}, "set both to -1"),
        ({"retention_bytes": 1_000_000}, "set both to -1"),
        ({"is_compacted": True}, "set cleanup.policy to delete"),
        ({"copies": 1, "least_in_sync": 1}, "could keep 3: reassign them"),
        ({"copies": 2, "least_in_sync": 1, "brokers": 3}, "could keep 3: reassign them"),
        ({"least_in_sync": 1}, "set min.insync.replicas to 2"),
        ({"least_in_sync": 4}, "set min.insync.replicas to 2"),
        ({"may_elect_unclean": True}, "set unclean.leader.election.enable to false"),
        ({"is_stamped_by_broker": False}, "set message.timestamp.type to LogAppendTime"),
        ({"message_bytes": 1_048_588}, f"set max.message.bytes to {MESSAGE_BYTES}"),
    ],
)
def test_each_thing_that_is_wrong_is_said_with_its_remedy(
    wrong: dict[str, Any], remedy: str
) -> None:
    (complaint,) = complaints(replace(GOOD, **wrong), may_expire=False)

    assert remedy in complaint


def test_a_topic_may_forget_where_that_was_allowed() -> None:
    topic = replace(GOOD, retention_ms=604_800_000)

    assert list(complaints(topic, may_expire=True)) == []
