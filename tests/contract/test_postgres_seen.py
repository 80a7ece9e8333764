"""The seen port as a table of unique ids keeps its promises, whichever way it looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from services.store.connect import open_connection
from services.store.port import Store
from services.store.postgres_seen import Learned, PostgresSeen
from services.store.urls import Urls
from tests.contract.seen import SeenContract


class Table:
    """No more of a store than transactions with this index."""

    def __init__(self, url: str) -> None:
        self._connection, self._learned = open_connection(url, "test"), Learned()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Commits when the block ends, leaves no trace when it raises."""
        connection = self._connection
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            yield SimpleNamespace(seen=PostgresSeen(connection, cursor, self._learned))

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


class TestPostgresSeen(SeenContract):
    """Inherits the contract."""

    @pytest.fixture
    def made(self) -> Iterator[list[Table]]:
        """Closes what was made."""
        made: list[Table] = []
        yield made
        for one in made:
            one.close()

    @pytest.fixture
    def again(self, urls: Urls, made: list[Table]) -> Callable[[], Any]:
        """Over the same rows, by a connection of its own."""

        def make() -> Table:
            made.append(Table(urls.fold))
            return made[-1]

        return make

    @pytest.fixture
    def store(self, again: Callable[[], Any]) -> Store:
        """On a fresh database."""
        store: Store = again()
        return store


def test_an_id_is_unique_whoever_writes_it(urls: Urls) -> None:
    with psycopg.connect(urls.fold) as connection:
        query = (
            "INSERT INTO seen_young SELECT gen_random_uuid(), gen_random_uuid(), 1, 1 RETURNING *"
        )
        row = connection.execute(query).fetchone()

        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO seen_young VALUES (%s, %s, %s, %s)", row)
