"""The same tables for all who fold into PostgreSQL, and what is in them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from bench.peers.events import Line, Profile, Truth
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.store.urls import FOLD, Urls

MAKE: Final = f"""
    DROP SCHEMA IF EXISTS peers CASCADE;
    CREATE SCHEMA peers;
    CREATE TABLE peers.known (id uuid PRIMARY KEY);
    CREATE TABLE peers.profile (
        customer text PRIMARY KEY,
        events bigint NOT NULL,
        spend_minor bigint NOT NULL,
        last_ms bigint NOT NULL
    ) WITH (fillfactor = 70);
    CREATE TABLE peers.ledger (id uuid NOT NULL, customer text NOT NULL, points integer NOT NULL);
    CREATE TABLE peers.checkpoint (partition smallint PRIMARY KEY, next bigint NOT NULL);
    INSERT INTO peers.checkpoint SELECT one, 0 FROM generate_series(0, 3) AS one;
    GRANT USAGE ON SCHEMA peers TO {FOLD};
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA peers TO {FOLD};
    TRUNCATE live.seen_young, live.seen_page, live.seen_run;
    UPDATE live.seen_head SET era = DEFAULT, version = DEFAULT, runs = DEFAULT;
"""
"""``known`` is theirs who look for ids by themselves, ``checkpoint`` and the index in ``live`` are
ours."""


@contextmanager
def database(folder: Path) -> Iterator[Urls]:
    """The server that ``touchline up`` starts, with its settings."""
    server = EmbeddedPostgres(folder)
    urls = server.start()
    try:
        migrate(urls.owner)
        yield urls
    finally:
        server.stop()


def emptied(urls: Urls) -> None:
    """Nothing is folded, and nothing is left to be written to the disk."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(MAKE.encode())
        connection.execute("CHECKPOINT")


def came(urls: Urls) -> int:
    """How many records our checkpoints have passed."""
    with psycopg.connect(urls.owner) as connection:
        (found,) = connection.execute("SELECT sum(next) FROM peers.checkpoint").fetchall()
    return int(found[0])


def found(urls: Urls) -> Truth:
    """What is there; a line of the ledger that is there twice raises ``AssertionError``."""
    with psycopg.connect(urls.owner) as connection:
        rows = connection.execute(
            "SELECT customer, events, spend_minor, last_ms FROM peers.profile"
        )
        profiles = {row[0]: Profile(*row[1:]) for row in rows}
        rows = connection.execute("SELECT id, customer, points FROM peers.ledger")
        ledger = ledger_of([(row[0].hex, row[1], row[2]) for row in rows])
    return Truth(profiles, ledger)


def ledger_of(lines: list[tuple[str, str, int]]) -> Mapping[str, Line]:
    """``lines`` by event; raises ``AssertionError`` where one is there twice."""
    ledger = {event: Line(customer, points) for event, customer, points in lines}
    assert len(ledger) == len(lines), f"{len(lines) - len(ledger)} events are in the ledger twice"
    return ledger
