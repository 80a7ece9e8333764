"""The seen port in PostgreSQL keeps its promises, whichever way it looks."""

from collections.abc import Iterator

import pytest

from services.store.port import Store
from services.store.postgres import PostgresStore
from services.store.seen import Seen
from services.store.urls import Urls
from tests.contract.seen import SeenContract


class TestPostgresSeen(SeenContract):
    """Inherits the contract."""

    @pytest.fixture
    def store(self, urls: Urls) -> Iterator[Store]:
        """On a fresh database."""
        found = PostgresStore(urls.fold)
        yield found
        found.close()


def test_an_id_that_another_worker_took_in_is_known(urls: Urls) -> None:
    one, other = PostgresStore(urls.fold), PostgresStore(urls.fold)
    row = Seen("a" * 32, "b" * 32, 1, 0)
    with one.transaction() as tx:
        tx.seen.drop_known([row])

    with other.transaction() as tx:
        known = tx.seen.drop_known([row._replace(partition=2)])

    assert known == {0: row}
    one.close()
    other.close()
