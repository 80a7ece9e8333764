"""Hearing of the folds: each commit of theirs ends a wait, before it or during it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic

import psycopg
import pytest

from services.errors import Unavailable
from services.store.folded import PostgresFolded
from services.store.port import Changes
from services.store.postgres import PostgresStore
from services.store.urls import Urls

LONG_S = 30.0


@pytest.fixture
def folded(urls: Urls) -> Iterator[PostgresFolded]:
    with closing(PostgresFolded(urls.fold)) as folded:
        folded.wait(LONG_S)
        yield folded


@pytest.fixture
def store(urls: Urls) -> Iterator[PostgresStore]:
    with closing(PostgresStore(urls.fold)) as store:
        yield store


def commit(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.save(Changes())


def give_up(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.save(Changes())
        raise ZeroDivisionError


def waited_s(folded: PostgresFolded, timeout_s: float) -> float:
    began_s = monotonic()
    folded.wait(timeout_s)
    return monotonic() - began_s


def test_a_commit_before_and_during_a_wait_ends_it(
    folded: PostgresFolded, store: PostgresStore
) -> None:
    commit(store)
    commit(store)
    assert waited_s(folded, LONG_S) < LONG_S
    # The other was heard with it, or a moment later: then nothing is new.
    assert any(waited_s(folded, 0.1) >= 0.1 for _ in range(2))

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(waited_s, folded, LONG_S)
        commit(store)

        assert waiting.result() < LONG_S


def test_what_was_only_read_or_given_up_is_not_told(
    folded: PostgresFolded, store: PostgresStore
) -> None:
    store.checkpoints()
    with pytest.raises(ZeroDivisionError):
        give_up(store)

    assert waited_s(folded, 0.1) >= 0.1


def test_a_lost_connection_is_told_and_mended(
    urls: Urls, folded: PostgresFolded, store: PostgresStore
) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'touchline-folded' AND datname = current_database()"
        )
    with pytest.raises(Unavailable):
        folded.wait(LONG_S)

    # Connected anew, it can't know what it missed.
    assert waited_s(folded, LONG_S) < LONG_S
    commit(store)
    assert waited_s(folded, LONG_S) < LONG_S
