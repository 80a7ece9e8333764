"""The outlet in memory keeps the contract."""

import pytest

from services.log.memory_outlet import MemoryOutlet
from tests.contract.outlet import OutletContract, Sent


class TestMemoryOutlet(OutletContract):
    """One list."""

    @pytest.fixture
    def outlet(self) -> MemoryOutlet:
        return MemoryOutlet()

    @pytest.fixture
    def sent(self, outlet: MemoryOutlet) -> Sent:
        return lambda: outlet.sent
