"""The store in PostgreSQL keeps the port's promises, and folds to the rows of the one in memory."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from services.errors import Unavailable
from services.store.connect import is_lost, open_connection
from services.store.port import Changes, OrderRow, Store
from services.store.postgres import PostgresStore
from services.store.programs import until
from services.store.seen import Seen
from services.store.urls import Urls
from tests.contract.store import StoreContract
from tests.histories import History, fold


class TestPostgresStore(StoreContract):
    """Inherits the contract."""

    @pytest.fixture
    def store(self, urls: Urls) -> Iterator[Store]:
        """On a fresh database."""
        self.url = urls.fold
        found = PostgresStore(urls.fold)
        yield found
        found.close()

    def assert_equals_memory(self, history: History, store: Store) -> None:
        """Facts and groups are the same bytes."""
        expected = fold(history.events, history.vault, partitions=4).tables
        with open_connection(self.url, "test") as connection:
            profiles = connection.execute("SELECT leaf, facts FROM profile").fetchall()
            identifiers = connection.execute(
                "SELECT identifier, customer_id FROM identifier"
            ).fetchall()
            customers = {
                row[0] for row in connection.execute("SELECT customer_id FROM customer").fetchall()
            }
        assert dict(profiles) == {
            leaf: encoded for leaf, (_, encoded) in expected.facts["profile"].items()
        }
        assert dict(identifiers) == {
            row.identifier: row.customer_id for row in expected.identifiers.values()
        }
        assert customers == set(expected.views["customer"])


def test_a_lost_connection_is_unavailable_and_the_next_batch_finds_another(urls: Urls) -> None:
    store = PostgresStore(urls.fold)
    cut_off = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'touchline-fold' AND datname = current_database()
    """

    def lose_it() -> None:
        with store.transaction() as tx:
            tx.claim({1: 0})
            with psycopg.connect(urls.owner) as owner:
                owner.execute(cut_off)
            tx.seen.drop_known([Seen("a" * 32, "b" * 32, 1, 0)])

    with pytest.raises(Unavailable):
        lose_it()

    with store.transaction() as tx:
        tx.claim({1: 0})
    store.close()


def test_a_worker_that_was_stopped_for_too_long_takes_its_batch_again(urls: Urls) -> None:
    store = PostgresStore(urls.fold)

    def sleep() -> None:
        with store.transaction() as tx:
            connection = store._open()
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
            for _ in until(30):
                if is_lost(connection):
                    break
            tx.claim({1: 0})

    with pytest.raises(Unavailable):
        sleep()

    with store.transaction() as tx:
        tx.claim({1: 0})
    store.close()


def test_a_row_that_another_worker_wrote_first_is_replaced_at_the_second_try(urls: Urls) -> None:
    mine, theirs = PostgresStore(urls.fold), PostgresStore(urls.fold)
    row = OrderRow("a" * 32, "w", "o", b"theirs")
    with theirs.transaction() as tx:
        tx.save(Changes(orders={row.order_key: row}))

    def write() -> None:
        with mine.transaction() as tx:
            tx.save(Changes(orders={row.order_key: row._replace(facts=b"mine")}))

    with pytest.raises(Unavailable):
        write()
    write()

    with theirs.transaction() as tx:
        assert tx.orders([row.order_key])[row.order_key].facts == b"mine"
    mine.close()
    theirs.close()


def test_batches_of_other_partitions_wait_since_their_customers_may_be_the_same(urls: Urls) -> None:
    one = PostgresStore(urls.fold)
    impatient = PostgresStore(make_conninfo(urls.fold, options="-c lock_timeout=50ms"))

    def claim(store: PostgresStore, partition: int) -> None:
        with store.transaction() as tx:
            tx.claim({partition: 0})

    with one.transaction() as tx:
        tx.claim({1: 0})
        with pytest.raises(Unavailable):
            claim(impatient, 2)

    claim(impatient, 2)
    one.close()
    impatient.close()
