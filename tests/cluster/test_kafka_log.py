"""The log in Kafka keeps the contract on a real broker."""

from collections.abc import Iterator

import pytest

from services.log.kafka.log import KafkaLog
from services.log.port import Log
from tests.contract.log import LogContract


@pytest.fixture
def log(log_url: str) -> Iterator[KafkaLog]:
    log = KafkaLog(log_url)
    yield log
    log.close()


class TestKafkaLog(LogContract):
    """Both handles have connections of their own, as two processes have."""

    @pytest.fixture
    def other(self, log_url: str) -> Iterator[Log]:
        other = KafkaLog(log_url)
        yield other
        other.close()
