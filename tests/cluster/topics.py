"""Fresh topics of the broker for tests."""

import itertools
import uuid

from services.log.kafka.address import parse
from services.log.kafka.topic import create

_NUMBERS = itertools.count()
_RUN = uuid.uuid4().hex[:8]


def fresh(server: str, *, partitions: int = 16) -> str:
    """The address of a log that is empty."""
    url = f"kafka://{server}/test-{_RUN}-{next(_NUMBERS)}"
    assert create(parse(url), partitions)
    return url
