"""The archive in memory keeps the contract."""

import pytest

from services.archive.memory import MemoryArchive
from services.archive.port import Archive
from tests.contract.archive import ArchiveContract


class TestMemoryArchive(ArchiveContract):
    """A list."""

    @pytest.fixture
    def archive(self) -> Archive:
        return MemoryArchive()
