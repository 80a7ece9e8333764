"""The store in memory keeps the port's promises."""

import pytest

from services.store.memory import MemoryStore
from services.store.port import Store
from tests.contract.store import StoreContract
from tests.histories import History, fold


class TestMemoryStore(StoreContract):
    """Inherits the contract."""

    @pytest.fixture
    def store(self) -> Store:
        """Empty."""
        return MemoryStore()

    def assert_equals_memory(self, history: History, store: Store) -> None:
        """In one batch or in many."""
        assert isinstance(store, MemoryStore)
        at_once = fold(history.events, history.vault).tables
        assert store.tables.views == at_once.views
        assert store.tables.facts == at_once.facts
        assert store.tables.identifiers == at_once.identifiers
        assert store.tables.edges == at_once.edges
