"""Two projectors: one folds, the other stands by, and takes over when the first is gone."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from services import engine
from services.addresses import Addresses
from services.archive.access import Access
from services.errors import NotOurs
from services.fold.watch import Watch
from services.store.lock import FOLDER
from services.store.programs import until
from services.store.urls import Urls
from tests.integration.house import MASTER_KEY

PATIENCE_S: Final = 60.0
A_LITTLE_S: Final = 0.1
"""Less than between two turns of who stands by, more than between two looks at the clock."""
HELD: Final = f"FROM pg_locks WHERE locktype = 'advisory' AND objid = {FOLDER} AND granted"


@pytest.fixture
def addresses(urls: Urls) -> Addresses:
    return Addresses(urls, urls.fold, Access(""), MASTER_KEY)


class Projector:
    """The folds of a process, in a thread."""

    def __init__(self, addresses: Addresses) -> None:
        self.watch = Watch(CollectorRegistry())
        self.failed: list[Exception] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fold, args=(addresses,))
        self._thread.start()

    def _fold(self, addresses: Addresses) -> None:
        try:
            engine.fold(addresses, self._stop, self.watch)
        except NotOurs as cause:
            self.failed.append(cause)

    def folds(self) -> bool:
        """Whether it comes to fold."""
        return any(self.watch.is_active for _ in until(PATIENCE_S))

    def ends(self) -> bool:
        """Whether it ends by itself."""
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def turned_s(projector: Projector) -> float:
    """When it began its last turn, on the monotonic clock."""
    return time.monotonic() - projector.watch.age_s()


@contextmanager
def projecting(addresses: Addresses) -> Iterator[Projector]:
    projector = Projector(addresses)
    try:
        yield projector
    finally:
        projector.stop()


def test_a_second_projector_stands_by_until_the_first_ends(addresses: Addresses) -> None:
    with projecting(addresses) as first:
        assert first.folds()
        with projecting(addresses) as second:
            began_s = turned_s(second)
            # It looks time and again, and finds the first at work.
            waited = any(turned_s(second) > began_s + A_LITTLE_S for _ in until(PATIENCE_S))
            stood_by = not second.watch.is_active

            first.stop()

            assert (waited, stood_by) == (True, True)
            assert second.folds()


def test_a_projector_that_was_ousted_ends(addresses: Addresses) -> None:
    with projecting(addresses) as first:
        assert first.folds()
        with queued(addresses.store.owner) as connection:
            # Who waits in the server is given the lock before anybody else can ask for it.
            connection.execute(f"SELECT pg_terminate_backend(pid) {HELD}")

            assert first.ends()
        assert [type(cause) for cause in first.failed] == [NotOurs]


@contextmanager
def queued(url: str) -> Iterator[psycopg.Connection]:
    """Somebody waits in line for the lock, and has it until the block ends."""
    with (
        psycopg.connect(url, autocommit=True) as connection,
        psycopg.connect(url, autocommit=True) as waiting,
        ThreadPoolExecutor(1) as threads,
    ):
        lock = threads.submit(waiting.execute, f"SELECT pg_advisory_lock({FOLDER})")
        in_line = f"SELECT true FROM pg_locks WHERE objid = {FOLDER} AND NOT granted"
        assert any(connection.execute(in_line).fetchone() for _ in until(PATIENCE_S))
        yield connection
        lock.result(PATIENCE_S)
