"""The vault in memory keeps the contract."""

import pytest

from services.vault.memory import MemoryVault
from services.vault.port import Vault
from tests.contract.vault import VaultContract


class TestMemoryVault(VaultContract):
    """Two dictionaries; both handles are the one process's."""

    @pytest.fixture
    def vault(self) -> Vault:
        return MemoryVault()

    @pytest.fixture
    def other(self, vault: Vault) -> Vault:
        return vault
