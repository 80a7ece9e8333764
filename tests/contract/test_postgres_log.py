"""The log in PostgreSQL keeps the contract, heals, and groups its commits."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.errors import Misconfigured, Unavailable
from services.log import postgres
from services.log.port import Log
from services.log.postgres import PostgresLog
from services.store.urls import Urls
from tests.contract.log import DEADLINE_S, LogContract, entries, payloads


@pytest.fixture
def log(urls: Urls) -> Iterator[PostgresLog]:
    log = PostgresLog(urls.fold)
    yield log
    log.close()


@pytest.fixture
def owner(urls: Urls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        yield connection


class TestPostgresLog(LogContract):
    """Both handles have connections of their own, as two processes have."""

    @pytest.fixture
    def other(self, urls: Urls) -> Iterator[Log]:
        other = PostgresLog(urls.fold)
        yield other
        other.close()


def test_appends_of_many_threads_commit_together(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    threads, appends = 64, 20
    start = threading.Barrier(threads)

    def write(writer: int) -> None:
        start.wait(DEADLINE_S)
        for _ in range(appends):
            log.append(entries(1 + writer % 15, b"a"))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))

    query = "SELECT count(DISTINCT xmin::text), sum(count) FROM touchline.log_batch"
    (transactions, records), *_ = owner.execute(query).fetchall()
    assert records == threads * appends
    assert transactions < threads * appends / 4


def test_a_backend_that_dies_while_appending_is_unavailable_then_healed(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as pool, owner.transaction():
        owner.execute("SELECT FROM touchline.log_head FOR UPDATE")
        lost = pool.submit(log.append, entries(1, b"lost"))
        until_blocked(owner)
        terminate(owner, "touchline-log-append")
        with pytest.raises(Unavailable, match="did not answer"):
            lost.result(DEADLINE_S)

    log.append(entries(2, b"healed"))

    assert payloads(log.read(2, 0, 10)) == [b"healed"]
    assert payloads(log.read(1, 0, 10)) == []


def test_backends_that_died_meanwhile_cost_nobody_an_error(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    log.append(entries(1, b"a"))
    log.wait(DEADLINE_S)
    for name in ("touchline-log-append", "touchline-log-read", "touchline-log-listen"):
        terminate(owner, name)

    log.append(entries(1, b"b"))

    assert payloads(log.read(1, 0, 10)) == [b"a", b"b"]
    log.wait(DEADLINE_S)


def test_waiting_heals_too(urls: Urls, log: PostgresLog, owner: psycopg.Connection) -> None:
    log.wait(DEADLINE_S)
    terminate(owner, "touchline-log-listen")
    until_listening(owner)
    log.wait(0)
    woken = threading.Event()

    def wait() -> None:
        log.wait(DEADLINE_S)
        woken.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(wait)
        log.append(entries(1, b"a"))

        assert woken.wait(DEADLINE_S / 2)


def test_nothing_is_lost_or_doubled_while_backends_die(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    """Whoever was answered finds its record; whoever was refused may append again."""
    writers, appends = 8, 20

    def write(writer: int) -> list[tuple[bytes, int]]:
        answered = []
        for number in range(appends):
            payload = f"{writer}-{number}".encode()
            for _ in range(100):
                try:
                    answered.append((payload, log.append(entries(1, payload))[1]))
                    break
                except Unavailable:
                    continue
        return answered

    with ThreadPoolExecutor(writers) as pool:
        writing = [pool.submit(write, writer) for writer in range(writers)]
        while not all(work.done() for work in writing):
            terminate(owner, "touchline-log-append")
        answered = [answer for work in writing for answer in work.result()]

    assert len(answered) == writers * appends
    records = payloads(log.read(1, 0, 100_000))
    assert len(records) == log.ends()[1]
    assert all(records[position - 1] == payload for payload, position in answered)


def test_what_is_answered_is_on_disk_whatever_the_servers_default(log: PostgresLog) -> None:
    with log._appending.cursor() as cursor:
        row = cursor.execute("SHOW synchronous_commit").fetchone()

    assert row == ("on",)


def test_a_clock_set_back_does_not_set_records_back(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    owner.execute("UPDATE touchline.log_head SET recorded_at = %s", [later])

    log.append(entries(1, b"a"))

    assert log.read(1, 0, 1)[0].recorded_at == later


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE touchline.log_batch SET payload = ''",
        "DELETE FROM touchline.log_batch",
        "TRUNCATE touchline.log_batch",
    ],
)
def test_not_even_the_owner_changes_the_log(
    log: PostgresLog, owner: psycopg.Connection, change: str
) -> None:
    log.append(entries(1, b"a"))

    with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        owner.execute(change.encode())


def test_the_number_of_partitions_is_fixed_once(
    log: PostgresLog, owner: psycopg.Connection
) -> None:
    row = owner.execute("SELECT touchline.make_log(8)").fetchone()

    assert row == (16,)
    assert log.partitions == 16


def test_a_read_of_large_records_stops_early_and_goes_on(
    log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "FETCH_BYTES", 10)
    for letter in (b"a", b"b", b"c"):
        log.append(entries(1, letter * 20, letter))

    first = log.read(1, 0, 100)
    second = log.read(1, len(first), 100)

    assert payloads(first) == [b"a" * 20, b"a"]
    assert payloads(second) == [b"b" * 20, b"b"]


def test_a_read_of_what_unpacks_large_stops_early_too(
    log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "READ_BYTES", 1_000_000)
    for _ in range(3):
        log.append(entries(1, bytes(1_000_001)))

    assert len(log.read(1, 0, 100)) == 1


def test_without_a_server_the_log_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        PostgresLog("postgresql:///touchline?host=/nowhere")


def test_without_its_tables_the_log_says_what_to_run(bare: Urls) -> None:
    with pytest.raises(Misconfigured, match="touchline migrate"):
        PostgresLog(bare.owner)


def test_a_closed_log_finishes_what_was_begun_and_takes_nothing_more(urls: Urls) -> None:
    log = PostgresLog(urls.fold)
    log.wait(0)
    log.append(entries(1, b"a"))

    log.close()
    log.close()

    with pytest.raises(Unavailable, match="closed"):
        log.append(entries(1, b"b"))


def terminate(owner: psycopg.Connection, name: str) -> None:
    """End this database's backends called ``name``, and return when they are gone."""
    owner.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE application_name = %s AND datname = current_database()",
        [name],
    )


def until_blocked(owner: psycopg.Connection) -> None:
    """Return when an append waits for a lock."""
    until(
        owner,
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'touchline-log-append' AND wait_event_type = 'Lock'",
    )


def until_listening(owner: psycopg.Connection) -> None:
    """Return when the log listens (again)."""
    until(
        owner,
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'touchline-log-listen' AND query LIKE 'LISTEN%'",
    )


def until(owner: psycopg.Connection, query: str) -> None:
    deadline_at = datetime.now(UTC) + timedelta(seconds=DEADLINE_S)
    while not owner.execute(query.encode()).fetchall():
        assert datetime.now(UTC) < deadline_at, query
        # The statistics of a transaction are a snapshot: look afresh.
        owner.execute("SELECT pg_stat_clear_snapshot()")
