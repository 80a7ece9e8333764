"""The log's topic: made, looked at, and refused where it would lose what was promised."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from services.errors import Misconfigured
from services.log.kafka.address import Address
from services.log.kafka.connection import REQUEST_MS
from services.log.kafka.failures import converted

COPIES: Final = 3
"""Replicas of a partition, where there are as many brokers: one may be away and one may die."""
MESSAGE_BYTES: Final = 4_194_304
"""The largest batch: a record of an event that has a megabyte, sealed and so a third larger."""
FOR_EVER: Final = -1
DOOR_MS: Final = 7 * 24 * 3_600_000
"""A week: as long as who reads may be away."""
REACH_S: Final = 5.0
UNLIMITED: Final = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the brokers describe it."""

    name: str
    partitions: int
    copies: int
    """Replicas of the partition that has fewest."""
    in_sync: int
    """Replicas in sync of the partition that has fewest."""
    least_in_sync: int
    """Below which the brokers refuse appends."""
    brokers: int
    """Of the cluster."""
    retention_ms: int
    retention_bytes: int
    message_bytes: int
    is_compacted: bool
    is_stamped_by_broker: bool
    may_elect_unclean: bool


def create(address: Address, partitions: int) -> bool:
    """Make the topic, with as many copies as it should have; whether it was not there.

    Raises ``Unavailable``, and ``Misconfigured`` where the brokers refuse it.
    """
    return _created(address, partitions, {**UNLIMITED, "message.timestamp.type": "LogAppendTime"})


def create_door(address: Address, partitions: int) -> bool:
    """As ``create``, of a topic that others write or read: it forgets after a week."""
    return _created(address, partitions, {"retention.ms": str(DOOR_MS), "cleanup.policy": "delete"})


def _created(address: Address, partitions: int, configs: Mapping[str, str]) -> bool:
    with converted(address), administered(address) as admin:
        copies = _copies(len(admin.describe_cluster()["brokers"]))
        wanted = {
            "num_partitions": partitions,
            "replication_factor": copies,
            "configs": {
                **configs,
                "max.message.bytes": str(MESSAGE_BYTES),
                "min.insync.replicas": str(max(1, copies - 1)),
                "unclean.leader.election.enable": "false",
            },
        }
        try:
            admin.create_topics({address.topic: wanted}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return False
    return True


def described(address: Address) -> Topic:
    """The topic as it is; raises ``Unavailable``, and ``Misconfigured`` where there is none."""
    with converted(address), administered(address) as admin:
        (found,) = admin.describe_topics([address.topic])
        error = for_code(found["error_code"])
        if error is UnknownTopicOrPartitionError:
            raise Misconfigured(f"there is no {address}; make it with: touchline topics create")
        if found["error_code"]:
            raise error(address.topic)
        brokers = len(admin.describe_cluster()["brokers"])
        asked = ConfigResource(ConfigResourceType.TOPIC, address.topic)
        configs = admin.describe_configs([asked], config_filter="all")["topic"][address.topic]
    return _topic(found, {name: str(one["value"]) for name, one in configs.items()}, brokers)


def checked(address: Address) -> Topic:
    """The topic, once nothing is wrong with it; else raises ``Misconfigured`` with all that is."""
    topic = described(address)
    if wrong := list(complaints(topic, may_expire=address.may_expire)):
        raise Misconfigured(f"{address} can't hold the log: " + "; ".join(wrong))
    return topic


def complaints(topic: Topic, *, may_expire: bool) -> Iterator[str]:
    """What is wrong with a topic for a log, and what to do about it (pure)."""
    if topic.partitions < 2:
        yield "it has one partition, and control needs one of its own: make another topic"
    if not may_expire and (topic.retention_ms, topic.retention_bytes) != (FOR_EVER, FOR_EVER):
        yield (
            "it forgets records (retention.ms, retention.bytes): set both to -1, or, where the "
            "archive is known to hold what goes, add ?finite_retention=allowed to TOUCHLINE_LOG_URL"
        )
    if topic.is_compacted:
        yield "it is compacted, which loses records: set cleanup.policy to delete"
    if topic.copies < _copies(topic.brokers):
        yield (
            f"its partitions have {topic.copies} replicas and {topic.brokers} brokers could keep "
            f"{_copies(topic.brokers)}: reassign them (kafka-reassign-partitions)"
        )
    if not max(1, topic.copies - 1) <= topic.least_in_sync <= topic.copies:
        yield (
            f"it acknowledges what {topic.least_in_sync} of {topic.copies} replicas have: set "
            f"min.insync.replicas to {max(1, topic.copies - 1)}"
        )
    if topic.may_elect_unclean:
        yield "a replica that lacks records may lead: set unclean.leader.election.enable to false"
    if not topic.is_stamped_by_broker:
        yield "producers stamp its records: set message.timestamp.type to LogAppendTime"
    if topic.message_bytes < MESSAGE_BYTES:
        yield f"it takes no large records: set max.message.bytes to {MESSAGE_BYTES}"


def _copies(brokers: int) -> int:
    return max(1, min(COPIES, brokers))


def _topic(found: Mapping[str, Any], configs: Mapping[str, str], brokers: int) -> Topic:
    partitions = found["partitions"]
    return Topic(
        name=found["name"],
        partitions=len(partitions),
        copies=min(len(one["replica_nodes"]) for one in partitions),
        in_sync=min(len(one["isr_nodes"]) for one in partitions),
        least_in_sync=int(configs["min.insync.replicas"]),
        brokers=brokers,
        retention_ms=int(configs["retention.ms"]),
        retention_bytes=int(configs["retention.bytes"]),
        message_bytes=int(configs["max.message.bytes"]),
        is_compacted="compact" in configs["cleanup.policy"],
        is_stamped_by_broker=configs["message.timestamp.type"] == "LogAppendTime",
        may_elect_unclean=configs["unclean.leader.election.enable"] == "true",
    )


def administered(address: Address) -> "closing[KafkaAdminClient]":
    """kafka-python's client of the brokers, for one thread and as long as the block lasts."""
    return closing(
        KafkaAdminClient(
            bootstrap_servers=[_listening(address)],
            client_id="touchline-topics",
            request_timeout_ms=REQUEST_MS,
            bootstrap_timeout_ms=REQUEST_MS,
        )
    )


def _listening(address: Address) -> str:
    """The first broker that listens; raises the last ``OSError`` where none does.

    kafka-python leaves a thread and sockets behind where it finds none: so it is shown one.
    """
    refused: OSError | None = None
    for server in address.servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()
        except OSError as error:
            refused = error
        else:
            return server
    raise refused or OSError("no broker is named")
