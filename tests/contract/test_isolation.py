"""Isolation: a workspace sees its own rows only, twice over."""

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from schemas.codec import encode
from services.errors import Unavailable
from services.fold.apply import Folds, apply
from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.log.port import Entry
from services.projector.projections import READ_MODELS
from services.store.postgres import PostgresStore
from services.store.reader import Reader
from services.store.urls import Urls
from tests.histories import History, entry

TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace' AND NOT a.attisdropped
    WHERE c.relnamespace IN ('live'::regnamespace, 'touchline'::regnamespace)
      AND c.relkind IN ('r', 'p')
    ORDER BY 1
"""


@pytest.fixture
def filled(urls: Urls) -> Urls:
    """A database in which a shop has customers, orders, edges, a split and dead letters."""
    history = History()
    history.described({"name": "Ada"}, "user:1", "email:a@x.org", at=1)
    history.bought("o1", 1250, "user:1", at=2, id_="e")
    history.bought("o1", 1, "user:1", at=2, id_="e", body="other")
    history.split(["user:1"], ["email:a@x.org"], at=7)
    log, store = MemoryLog(4), PostgresStore(urls.fold)
    log.append([entry(event, 4) for event in history.events])
    log.append([Entry(1, b"no event"), Entry(1, encode(history.events[0])[:-1])])
    batch = read_batch(log, store.checkpoints(), log.ends())
    apply(Folds(READ_MODELS, history.vault), batch, store)
    store.close()
    return urls


def test_without_a_workspace_nothing_is_visible(filled: Urls) -> None:
    with psycopg.connect(filled.query, autocommit=True) as connection:
        seen = {table: _count(connection, table) for table in _tables(filled)}

        assert not any(seen.values()), seen


def test_nothing_is_visible_after_a_transaction_that_named_a_workspace(filled: Urls) -> None:
    with psycopg.connect(filled.query, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('touchline.workspace', 'shop', true)")
            assert _count(connection, "customer") > 0

        # The setting is an empty text now, no longer unset; what is nobody's has that workspace.
        seen = {table: _count(connection, table) for table in _tables(filled)}

        assert not any(seen.values()), seen


def test_a_workspace_sees_its_own_rows_alone(filled: Urls) -> None:
    reader = Reader(filled.query)

    with reader.reading("shop") as shop:
        own = shop.rows("SELECT count(*) FROM customer")[0][0]
    with reader.reading("bank") as bank:
        foreign = bank.rows("SELECT count(*) FROM customer")[0][0]

    reader.close()
    assert (own > 0, foreign) == (True, 0)


def test_a_reader_can_not_write(filled: Urls) -> None:
    reader = Reader(filled.query)

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reader.reading("shop") as reading:
        reading.rows("INSERT INTO touchline.outbox (workspace, event) VALUES ('shop', 'x')")
    reader.close()


def test_nobody_writes_into_another_workspace(filled: Urls) -> None:
    with psycopg.connect(filled.query) as connection:
        connection.execute("SELECT set_config('touchline.workspace', 'bank', true)")

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO touchline.outbox (workspace, event) VALUES ('shop', 'x')"
            )


def test_every_table_with_a_workspace_is_forced_to_isolate(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            "SELECT c.oid::regclass::text, c.relrowsecurity AND c.relforcerowsecurity"
            " FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace'"
            " WHERE c.relnamespace IN ('live'::regnamespace, 'touchline'::regnamespace)"
            " AND c.relkind IN ('r', 'p')"
        ).fetchall()

    assert len(rows) > 8
    assert all(is_forced for _, is_forced in rows), rows


def test_a_pool_heals_after_its_connections_were_lost(filled: Urls) -> None:
    reader = Reader(filled.query)
    before = reader.applied()

    with psycopg.connect(filled.owner, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'touchline-query' AND datname = current_database()"
        )

    assert reader.applied() == before
    reader.close()


def test_a_server_that_is_away_is_unavailable() -> None:
    reader = Reader("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(Unavailable):
        reader.applied()
    reader.close()


def _tables(urls: Urls) -> list[str]:
    with psycopg.connect(urls.query) as connection:
        found = [table for (table,) in connection.execute(TABLES)]
        allowed = "SELECT has_table_privilege(%s, 'SELECT')"
        return [
            table for table in found if connection.execute(allowed, [table]).fetchone() == (True,)
        ]


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    query: LiteralString = "SELECT count(*) FROM {}"
    row = connection.execute(
        sql.SQL(query).format(sql.SQL(".").join(map(sql.Identifier, table.split("."))))
    ).fetchone()
    assert row is not None
    return int(row[0])
