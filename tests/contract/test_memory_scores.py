"""The scores port in memory keeps its promises."""

import pytest

from services.store.memory import MemoryStore
from services.store.memory_scores import MemoryScores
from services.store.scores import ModelRow
from tests.contract.scored_alerts import AlertsContract
from tests.contract.scores import Room


class MemoryRoom:
    """Both in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.scores = MemoryScores(self.store)

    def keep(self, model: ModelRow) -> None:
        self.scores.tables.models[model.workspace, model.model, model.version] = model


class TestMemoryScores(AlertsContract):
    """Inherits the contract."""

    @pytest.fixture
    def room(self) -> Room:
        """Empty."""
        return MemoryRoom()

    def outbox(self, room: Room) -> list[tuple[str, bytes]]:
        """As the contract says."""
        assert isinstance(room.store, MemoryStore)
        return room.store.tables.outbox
