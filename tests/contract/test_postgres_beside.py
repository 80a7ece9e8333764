"""The store in PostgreSQL for workers beside each other, and what frees those that were stopped."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from services.errors import Unavailable
from services.log.port import CONTROL
from services.store.course import CourseChanges, Unsettled
from services.store.holds import Beside
from services.store.lock import KeptLock, PostgresLock
from services.store.port import Changes, Identifier, OrderRow, Store
from services.store.postgres import PostgresStore
from services.store.programs import until
from services.store.stopped import PostgresStopped
from services.store.urls import Urls
from tests.contract import test_postgres_store as plain

LOCK: Final = 4_711
PATIENCE_S: Final = 30.0
A, B, C = ("1" * 32, "2" * 32, "3" * 32)


class TestPostgresStoreBeside(plain.TestPostgresStore):
    """Inherits the contract."""

    @pytest.fixture
    def store(self, urls: Urls) -> Iterator[Store]:
        """On a fresh database."""
        self.url = urls.fold
        with closing(PostgresStore(urls.fold, holds=Beside)) as found:
            yield found


@pytest.fixture
def one(urls: Urls) -> Iterator[PostgresStore]:
    with closing(PostgresStore(urls.fold, holds=Beside)) as store:
        yield store


@pytest.fixture
def other(urls: Urls) -> Iterator[PostgresStore]:
    """Does not wait for long."""
    url = make_conninfo(urls.fold, options="-c lock_timeout=50ms")
    with closing(PostgresStore(url, holds=Beside)) as store:
        yield store


def known(store: PostgresStore, **customer_ids: str) -> None:
    """Let these identifiers be there, each with its customer."""
    rows = {one: Identifier(one, "w", "user", None, of, False) for one, of in customer_ids.items()}
    with store.transaction() as tx:
        tx.save(Changes(identifiers=rows))


def asks(store: PostgresStore, *hashes: str) -> None:
    with store.transaction() as tx:
        tx.groups_of(hashes)


def test_batches_of_other_partitions_go_beside_each_other_and_control_s_alone(
    one: PostgresStore, other: PostgresStore
) -> None:
    def claim(partition: int) -> None:
        with other.transaction() as tx:
            tx.claim({partition: 0})

    with one.transaction() as tx:
        tx.claim({1: 0})
        claim(2)
        with pytest.raises(Unavailable):
            claim(CONTROL)
        with pytest.raises(Unavailable):
            claim(1)
    claim(CONTROL)


def test_whoever_asks_for_a_member_holds_the_customer(
    one: PostgresStore, other: PostgresStore
) -> None:
    known(one, **{A: A, B: A, C: C})

    with one.transaction() as tx:
        tx.groups_of([B])
        asks(other, C)
        with pytest.raises(Unavailable):
            asks(other, A)
    asks(other, A)


def test_who_waited_for_a_customer_sees_whom_it_was_joined_with(
    one: PostgresStore, urls: Urls
) -> None:
    known(one, **{B: B, C: C})

    def asked() -> dict[str, str]:
        with (
            closing(PostgresStore(urls.fold, holds=Beside)) as patient,
            patient.transaction() as tx,
        ):
            return {row.identifier: row.customer_id for row in tx.groups_of([C]).values()}

    with ThreadPoolExecutor(1) as threads:
        with one.transaction() as tx:
            tx.groups_of([B, C])
            found = threads.submit(asked)
            assert is_waited_for(urls)
            tx.save(Changes(identifiers={C: Identifier(C, "w", "user", None, B, False)}))

        assert found.result(PATIENCE_S) == {B: B, C: B}


def is_waited_for(urls: Urls) -> bool:
    """Whether somebody comes to wait for a lock."""
    query = """
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        return any(connection.execute(query).fetchone() is not None for _ in until(PATIENCE_S))


def test_who_settles_waits_for_nobody_and_leaves_to_others_whom_they_have(
    one: PostgresStore, other: PostgresStore
) -> None:
    known(one, **{A: A, B: B, C: C})
    rows = [Unsettled(of, "w", b"cause", datetime.now(UTC), None, False) for of in (A, B, C)]
    with one.transaction() as tx:
        tx.save(Changes(course=CourseChanges(unsettled=rows)))

    def found(store: PostgresStore, *, settles: bool = False) -> list[str]:
        with store.transaction() as tx:
            waiting = sorted(row.customer_id for row in tx.courses.waiting(2))
            tx.save(Changes(course=CourseChanges(settled=waiting if settles else ())))
        return waiting

    with one.transaction() as tx:
        tx.groups_of([A])
        beside = found(other)
        tx.save(Changes(course=CourseChanges(settled=[A])))
    with one.transaction() as tx:
        first = sorted(row.customer_id for row in tx.courses.waiting(1))
        second = found(other, settles=True)

    assert beside == [B, C]
    assert {*first, *second} == {B, C}
    assert found(one) == first


def test_who_settles_waits_for_those_who_wait_where_others_have_all_at_hand(
    one: PostgresStore, urls: Urls
) -> None:
    known(one, **{A: A})
    with one.transaction() as tx:
        row = Unsettled(A, "w", b"cause", datetime.now(UTC), None, False)
        tx.save(Changes(course=CourseChanges(unsettled=[row])))

    def found() -> list[str]:
        with (
            closing(PostgresStore(urls.fold, holds=Beside)) as patient,
            patient.transaction() as tx,
        ):
            return [row.customer_id for row in tx.courses.waiting(2)]

    with ThreadPoolExecutor(1) as threads:
        with one.transaction() as tx:
            tx.groups_of([A])
            waiting = threads.submit(found)
            assert is_waited_for(urls)
            tx.save(Changes())

        assert waiting.result(PATIENCE_S) == [A]


def test_what_another_wrote_first_is_found_though_rows_travel_together(
    one: PostgresStore, other: PostgresStore
) -> None:
    known(one, **{A: A})

    with pytest.raises(Unavailable, match="wrote the same row first"):
        known(other, **{A: A, B: B})

    with one.transaction() as tx:
        assert tx.groups_of([A, B]).keys() == {A}


def test_an_order_is_held_by_who_reads_it(one: PostgresStore, other: PostgresStore) -> None:
    row = OrderRow(A, "w", "o", b"facts")
    with one.transaction() as tx:
        tx.save(Changes(orders={A: row}))

    def read() -> None:
        with other.transaction() as tx:
            tx.orders([A])

    with one.transaction() as tx:
        tx.orders([A])
        with pytest.raises(Unavailable):
            read()
    read()


@contextmanager
def copying(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """In the middle of many rows."""
    with connection.cursor().copy("COPY skipped FROM STDIN") as copy:
        yield
        copy.write("1\t1\tlate\n")


@contextmanager
def telling(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """In the middle of a few rows of several tables."""
    with connection.pipeline():
        connection.execute("INSERT INTO skipped VALUES (1, 1, 'early')")
        yield
        connection.execute("INSERT INTO skipped VALUES (1, 2, 'late')")


@pytest.mark.parametrize("sending", [copying, telling])
def test_a_worker_that_was_stopped_while_it_sent_rows_loses_its_transaction(
    one: PostgresStore,
    urls: Urls,
    sending: Callable[[psycopg.Connection[Any]], AbstractContextManager[None]],
) -> None:
    def stop() -> None:
        with one.transaction() as tx:
            tx.claim({1: 0})
            with sending(one._open()):
                ended.append(any(stopped.end() for _ in until(PATIENCE_S)))

    ended: list[bool] = []
    with closing(PostgresStopped(urls.fold, silent_s=0)) as stopped:
        with pytest.raises(Unavailable):
            stop()
        at_rest = stopped.end()

    assert (ended, at_rest) == ([True], 0)
    with one.transaction() as tx:
        tx.claim({1: 0})


def test_a_lock_of_who_is_silent_goes_to_who_asks(urls: Urls) -> None:
    with (
        closing(KeptLock(urls.fold, LOCK, within_s=1)) as silent,
        closing(PostgresLock(urls.fold, LOCK)) as waiting,
    ):
        at_first = silent.is_ours(), waiting.is_ours()

        assert at_first == (True, False)
        assert any(waiting.is_ours() for _ in until(PATIENCE_S))
        assert not any(silent.is_ours() for _ in range(3))


def test_a_lock_that_is_asked_for_again_and_again_is_kept(urls: Urls) -> None:
    with (
        closing(KeptLock(urls.fold, LOCK, within_s=1)) as kept,
        closing(PostgresLock(urls.fold, LOCK)) as waiting,
    ):
        began_s = time.monotonic()
        while time.monotonic() < began_s + 2:
            assert kept.is_ours()
            assert not waiting.is_ours()
