"""The inbox in memory keeps the contract."""

import pytest

from services.log.memory_inbox import MemoryInbox, MemoryTopic
from tests.contract.inbox import InboxContract, Member, Send


class TestMemoryInbox(InboxContract):
    """One list, and how much of it is done."""

    @pytest.fixture
    def topic(self) -> MemoryTopic:
        return MemoryTopic()

    @pytest.fixture
    def send(self, topic: MemoryTopic) -> Send:
        return topic.send

    @pytest.fixture
    def member(self, topic: MemoryTopic) -> Member:
        return lambda: MemoryInbox(topic)
