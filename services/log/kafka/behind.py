"""How far a group of consumers is behind in a topic, whoever of it has which partition."""

from typing import Final

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.log.kafka.address import Address
from services.log.kafka.failures import converted
from services.log.kafka.topic import administered

WITHIN_MS: Final = 5_000
"""Less than a scrape may take."""


def behind(address: Address, group: str) -> int:
    """Records of the topic that nobody in ``group`` is done with; raises as ``described`` does.

    A transaction of a producer's leaves one more at its end, which never comes to a reader.
    """
    with converted(address), administered(address) as admin:
        (found,) = admin.describe_topics([address.topic])
        places = [
            TopicPartition(address.topic, one["partition_index"]) for one in found["partitions"]
        ]
        # Asked before the ends: nothing is behind by less than nothing.
        done = admin.list_group_offsets({group: None})[group]
        starts, ends = (
            admin.list_partition_offsets(dict.fromkeys(places, spec), timeout_ms=WITHIN_MS)
            for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
        )
    return sum(
        ends[one].offset - max(starts[one].offset, done[one].offset if one in done else 0)
        for one in places
    )
