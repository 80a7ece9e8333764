"""The log that an address names."""

from collections.abc import Sequence
from dataclasses import replace

from services.errors import Misconfigured
from services.log.inbox import Inbox
from services.log.outlet import Outlet
from services.log.port import Log
from services.log.postgres import PostgresLog
from services.uri import parts_of


def open_log(url: str) -> Log:
    """The log at ``url``: ``kafka://…``, or the database that holds it; close it after use.

    Raises ``Misconfigured`` and ``Unavailable``.
    """
    if not is_on_kafka(url):
        return PostgresLog(url)
    try:
        from services.log.kafka.log import KafkaLog  # noqa: PLC0415 - an extra that few install
    except ImportError as cause:
        raise _not_installed(cause) from cause
    return KafkaLog(url)


def make_log(url: str, partitions: int) -> bool:
    """Make the topic of a log on Kafka where there is none; whether there was none.

    A log in PostgreSQL is made by ``migrate``. Raises ``Misconfigured`` and ``Unavailable``.
    """
    if not is_on_kafka(url):
        return False
    try:
        from services.log.kafka import address, topic  # noqa: PLC0415 - as above
    except ImportError as cause:
        raise _not_installed(cause) from cause
    return topic.create(address.parse(url), partitions)


def open_inbox(url: str, topic: str) -> Inbox:
    """The inbox ``topic`` of the brokers at ``url``, shared by all processes; close it after use.

    Raises ``Misconfigured``.
    """
    try:
        from services.log.kafka import address, inbox  # noqa: PLC0415 - as above
    except ImportError as cause:
        raise _not_installed(cause) from cause
    place = replace(address.parse(url), topic=topic)
    return inbox.KafkaInbox(place, group=f"{topic}.ingest")


def open_outlet(url: str, topic: str) -> Outlet:
    """The topic ``topic`` of the brokers at ``url``, for others to read; close it after use.

    Raises ``Misconfigured``.
    """
    try:
        from services.log.kafka import address, outlet  # noqa: PLC0415 - as above
    except ImportError as cause:
        raise _not_installed(cause) from cause
    return outlet.KafkaOutlet(replace(address.parse(url), topic=topic))


def make_doors(url: str, topics: Sequence[str], partitions: int) -> Sequence[str]:
    """Make those of ``topics`` that are not there yet, for others to write or read; which.

    Raises ``Misconfigured`` and ``Unavailable``.
    """
    if not topics:
        return []
    try:
        from services.log.kafka import address, topic  # noqa: PLC0415 - as above
    except ImportError as cause:
        raise _not_installed(cause) from cause
    doors = [replace(address.parse(url), topic=name) for name in topics]
    return [door.topic for door in doors if topic.create_door(door, partitions)]


def is_on_kafka(url: str) -> bool:
    """Whether ``url`` names a log on Kafka."""
    return parts_of(url).scheme == "kafka"


def _not_installed(cause: ImportError) -> Misconfigured:
    return Misconfigured(
        f"settings name Kafka, and its clients are not installed ({cause.name}): "
        "pip install 'touchline[cluster]'"
    )
