"""The scores port in PostgreSQL keeps its promises."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from services.errors import NotOurs, Unavailable
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.postgres_models import PostgresModels
from services.store.postgres_scores import PostgresScores
from services.store.scores import ModelRow
from services.store.urls import Urls
from tests.contract.scored_alerts import AlertsContract
from tests.contract.scores import Room


class PostgresRoom:
    """Both on one database."""

    def __init__(self, urls: Urls) -> None:
        self.urls = urls
        self.store, self.scores = PostgresStore(urls.fold), PostgresScores(urls.fold)

    def keep(self, model: ModelRow) -> None:
        PostgresModels(self.urls.fold).keep(model)


class TestPostgresScores(AlertsContract):
    """Inherits the contract."""

    @pytest.fixture
    def room(self, urls: Urls) -> Iterator[Room]:
        """On a fresh database."""
        room = PostgresRoom(urls)
        with closing(room.store), closing(room.scores):
            yield room

    def outbox(self, room: Room) -> list[tuple[str, bytes]]:
        """As the contract says."""
        assert isinstance(room, PostgresRoom)
        with closing(PostgresOutbox(room.urls.fold)) as outbox:
            return [(workspace, bytes(event)) for _, workspace, event in outbox.waiting(9)]


def test_one_process_scores_and_another_waits_for_it_to_go(urls: Urls) -> None:
    with closing(PostgresScores(urls.fold)) as one, closing(PostgresScores(urls.fold)) as other:
        one.progress()
        with pytest.raises(NotOurs):
            other.progress()

        one.close()

        assert other.progress() == {}


def test_a_lost_connection_is_told_and_mended(urls: Urls) -> None:
    with closing(PostgresScores(urls.fold)) as scores:
        with pytest.raises(Unavailable):
            lose(scores, urls)

        assert scores.progress() == {}


def lose(scores: PostgresScores, urls: Urls) -> None:
    """Ask in a transaction whose connection was ended."""
    with scores.transaction() as tx, psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'touchline-scoring' AND datname = current_database()"
        )
        tx.tick()
