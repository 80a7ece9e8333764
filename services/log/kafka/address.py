"""Where a log on Kafka is, as an address says it (pure)."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from services.errors import Misconfigured
from services.settings import LOG_TOPIC
from services.uri import parts_of

TOPIC: Final = LOG_TOPIC
PORT: Final = 9092
FORM: Final = "kafka://host:port[,host:port …][/topic][?finite_retention=allowed]"
_TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SERVER: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Some brokers, by which the others are found, and the topic."""

    servers: tuple[str, ...]
    topic: str = TOPIC
    may_expire: bool = False
    """Whether the topic may forget records: only where the archive is known to hold them."""

    def __str__(self) -> str:
        return f"topic {self.topic} at {', '.join(self.servers)}"


def parse(url: str) -> Address:
    """The address in ``url``; raises ``Misconfigured`` for one that is none."""
    parts = parts_of(url)
    servers = tuple(_server(one) for one in parts.authority.split(","))
    topic = parts.path.strip("/") or TOPIC
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    may_expire = options.pop("finite_retention", None)
    if (
        parts.scheme != "kafka"
        or not _TOPIC_NAME.fullmatch(topic)
        or may_expire not in {None, "allowed"}
        or options
    ):
        raise _no_address()
    return Address(servers, topic, may_expire is not None)


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    if found is None or int(found["port"] or PORT) > 65_535:
        raise _no_address()
    return f"{found['host']}:{found['port'] or PORT}"


def _no_address() -> Misconfigured:
    # Without the value: somebody may have tried a password, which no log line should hold.
    return Misconfigured(f"TOUCHLINE_LOG_URL is no address of the form {FORM}")
