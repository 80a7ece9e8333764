"""The feed's progress, in memory and in PostgreSQL, keeps the contract."""

from collections.abc import Iterator

import psycopg
import pytest

from services.archive.memory import MemoryProgress
from services.archive.port import Progress
from services.errors import NotOurs
from services.store.archive_progress import PostgresProgress
from services.store.urls import Urls
from tests.contract.archive_progress import ProgressContract


class TestMemoryProgress(ProgressContract):
    """Sets and dictionaries."""

    @pytest.fixture
    def progress(self) -> Progress:
        progress = MemoryProgress()
        progress.next = {1: 10, 2: 5}
        progress.left_out = {1: {3, 8}}
        return progress


@pytest.fixture
def postgres(urls: Urls) -> Iterator[PostgresProgress]:
    with psycopg.connect(urls.fold, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO checkpoint (partition, next_offset, applied, duplicate)"
            " VALUES (1, 10, 8, 2), (2, 5, 5, 0)"
            " ON CONFLICT (partition) DO UPDATE SET"
            " next_offset = excluded.next_offset, applied = excluded.applied,"
            " duplicate = excluded.duplicate"
        )
        connection.execute("INSERT INTO skipped VALUES (1, 3, 'duplicate'), (1, 8, 'duplicate')")
    progress = PostgresProgress(urls.fold)
    yield progress
    progress.close()


class TestPostgresProgress(ProgressContract):
    """The role that folds; the tables that the migrations make."""

    @pytest.fixture
    def progress(self, postgres: PostgresProgress) -> Progress:
        return postgres


def test_one_feeder_at_a_time_holds_it(urls: Urls, postgres: PostgresProgress) -> None:
    postgres.epoch()
    other = PostgresProgress(urls.fold)

    with pytest.raises(NotOurs):
        other.epoch()

    postgres.close()
    assert other.epoch() == ""
    other.close()


@pytest.mark.parametrize("ranges", [{1: (1, 2)}, {1: (0, 2), 2: (1, 1)}])
def test_a_plan_that_leaves_a_gap_is_not_ours(
    postgres: PostgresProgress, ranges: dict[int, tuple[int, int]]
) -> None:
    postgres.plan({1: (0, 1), 2: (0, 1)})
    postgres.done()

    with pytest.raises(NotOurs):
        postgres.plan({1: (2, 3)} | ranges)

    assert dict(postgres.pending()) == {}


def test_a_second_plan_beside_a_pending_one_is_not_ours(postgres: PostgresProgress) -> None:
    postgres.plan({1: (0, 1)})

    with pytest.raises(NotOurs):
        postgres.plan({1: (0, 5)})

    assert dict(postgres.pending()) == {1: (0, 1)}


def test_a_broken_connection_is_opened_again(urls: Urls, postgres: PostgresProgress) -> None:
    postgres.plan({1: (0, 1)})
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'touchline-archive' AND datname = current_database()"
        )

    assert dict(postgres.pending()) == {1: (0, 1)}


def test_queries_may_see_how_far_it_is(urls: Urls, postgres: PostgresProgress) -> None:
    postgres.plan({1: (0, 1)})
    postgres.done()

    with psycopg.connect(urls.query) as connection:
        rows = connection.execute("SELECT partition, next_offset FROM archive_progress").fetchall()

    assert rows == [(1, 2)]
