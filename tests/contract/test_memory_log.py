"""The log in memory keeps the contract."""

import pytest

from services.log.memory import MemoryLog
from services.log.port import Log
from tests.contract.log import LogContract


class TestMemoryLog(LogContract):
    """One list a partition; both handles are the one process's."""

    @pytest.fixture
    def log(self) -> Log:
        return MemoryLog()

    @pytest.fixture
    def other(self, log: Log) -> Log:
        return log
