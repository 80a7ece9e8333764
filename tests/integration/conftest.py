"""A platform for those tests that kill parts of it: each in a workspace of its own."""

import itertools
from collections.abc import Iterator
from typing import Final

import pytest

from tests.integration.running import RunningPlatform

_NUMBERS: Final = itertools.count(1)


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    with RunningPlatform(tmp_path_factory.mktemp("shared") / "data") as platform:
        platform.more = {"TOUCHLINE_ALLOW_PRIVATE_TARGETS": "true"}
        yield platform


@pytest.fixture
def platform(_shared: RunningPlatform) -> Iterator[RunningPlatform]:
    """It runs and is ready; whatever others told it is in other workspaces."""
    if "up" not in _shared.pids():
        _shared.start()
    _shared.wait_until(_shared.is_ready, "it can serve")
    with _shared.acting_in(f"test-{next(_NUMBERS)}"):
        yield _shared
