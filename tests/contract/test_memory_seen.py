"""The seen port in memory keeps its promises."""

from collections.abc import Callable

import pytest

from services.store.memory import MemoryStore
from services.store.port import Store
from tests.contract.seen import SeenContract


class TestMemorySeen(SeenContract):
    """Inherits the contract."""

    @pytest.fixture
    def store(self) -> Store:
        """Empty."""
        return MemoryStore()

    @pytest.fixture
    def again(self, store: Store) -> Callable[[], Store]:
        """It lives in one process only."""
        return lambda: store
