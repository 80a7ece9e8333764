"""What every folder of tests may ask for: one PostgreSQL a worker, one fresh database a test."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

from services.store.embedded import EmbeddedPostgres
from services.store.urls import Urls
from tests import profiles
from tests.campaign import campaigns
from tests.databases import Databases
from tests.front import FrontProcess
from tests.mould import moulded
from tests.reported import REPORT, Noted, Reporter, told_of

MOST_WORKERS: Final = 4
"""Each has a PostgreSQL of its own, and may run a whole platform."""
TOGETHER: Final = {"browser", "cluster"}
"""Folders whose tests share what is dear to start: a platform with a Chromium, a Kafka broker."""
KILLED: Final = {
    f"test_{name}.py"
    for name in ("faults", "alerts_killed", "decisions_stream", "targets_command_line")
}
"""Files that share the platform of which they kill parts."""
LONGEST: Final = (
    "browser",
    "cluster",
    "killed",
    *(
        f"tests/integration/test_{name}.py"
        for name in (
            *("backup", "load_killed", "month_killed", "standing_by"),
            *("deploy", "archive_crash", "lifecycle_http", "folding_beside"),
            *("redemptions_http", "query_http", "replays", "redeeming_crashes", "loyalty_http"),
        )
    ),
    "tests/unit/test_lifecycle_mutations.py",
    "tests/unit/test_mutations.py",
)
"""Who begins, so that nobody waits in the end for one who began last."""

# Nothing here has to survive a power cut, and a checkpoint must not wait for a disk.
_THROW_AWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set how hard property tests try before the command line may choose otherwise."""
    profiles.load()
    # Of several processes the one that hears of every outcome writes the report.
    if (place := os.environ.get(REPORT)) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(Path(place)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the outcome of a test of faults say which."""
    item.user_properties += told_of(item).items()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whoever asks for a ``campaign`` in its short and its long form."""
    for name in {"campaign", "long_campaign"} & {*metafunc.fixturenames}:
        metafunc.parametrize(name, campaigns(name))


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors, since all wait for something now and then.

    None for single files, which run right here, at once.
    """
    named = (Path(argument.partition("::")[0]) for argument in config.args)
    return 0 if all(path.suffix for path in named) else min((os.cpu_count() or 1) + 1, MOST_WORKERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, all else as it was."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(_together(item.nodeid), len(LONGEST)))


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The files in their order, whoever is free takes the next."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _together
    return scheduler


def _together(nodeid: str) -> str:
    """What one worker runs all tests of: a file, or a folder that shares what is dear to start."""
    path = Path(nodeid.partition("::")[0])
    if path.name in KILLED:
        return "killed"
    return path.parent.name if path.parent.name in TOGETHER else str(path)


@pytest.fixture
def noted(request: pytest.FixtureRequest) -> Noted:
    """Where a test of faults notes what it counted."""
    return Noted(request.node)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """One embedded PostgreSQL for all tests."""
    place = tmp_path_factory.mktemp("server") / "data"
    moulded(place)
    postgres = EmbeddedPostgres(place, overrides=_THROW_AWAY)
    try:
        yield postgres.start()
    finally:
        postgres.stop()


@pytest.fixture(scope="session")
def databases(server: Urls) -> Databases:
    """What it has for tests."""
    return Databases(server)


@pytest.fixture
def urls(databases: Databases) -> Iterator[Urls]:
    """A migrated database without rows, and the three roles' addresses of it."""
    with databases.migrated() as urls:
        yield urls


@pytest.fixture
def bare(databases: Databases) -> Iterator[Urls]:
    """A database that nothing was done to; dropped after the test."""
    with databases.bare() as urls:
        yield urls


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    """One archive for all tests, a process of its own; a test takes a fresh database of it."""
    with FrontProcess(tmp_path_factory.mktemp("archive") / "chdb") as front:
        yield front
