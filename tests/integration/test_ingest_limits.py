"""Limits of ingest, and what it answers when storage is away."""

import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.edge.limits import Limits
from services.errors import Unavailable
from services.ingest.routes import SMALL_EVENTS, THREADS
from services.log.memory import MemoryLog
from services.log.port import Entry, Position, partition_of
from services.log.position import decode
from services.log.postgres import PostgresLog
from services.store.embedded import EmbeddedPostgres
from services.store.migrate import migrate
from services.vault.postgres import PostgresVault
from tests.integration.door import KEYS, Served, serving
from tests.integration.wrong_events import body, bought


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


def test_a_key_that_asks_too_often_is_429_until_it_waited() -> None:
    with serving(limits=Limits(requests_per_s=0.5, requests_burst=2)) as served:
        answers = [served.post(body(bought())) for _ in range(3)]
        other = served.post(body(bought()), "other-key")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "2"
    assert answers[2].json()["problem"] == "more than 0.5 requests a second with this key"
    assert other.status_code == 200


def test_a_length_above_the_limit_is_refused_unread(served: Served) -> None:
    answer = exchange(served, "Content-Length: 5000001\r\n", b"")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_come_is_408() -> None:
    with serving(limits=Limits(body_timeout_s=0.05)) as served:
        answer = exchange(served, "Content-Length: 100\r\n", b'{"id"')

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.05 s" in answer


def test_a_chunked_body_above_the_limit_is_413() -> None:
    with serving(limits=Limits(body_bytes=10)) as served:
        answer = exchange(served, "Transfer-Encoding: chunked\r\n", b"b\r\n[1,2,3,4,5,\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_many_large_requests_wait_for_the_disk_together() -> None:
    log = TogetherLog(THREADS)
    large = body([bought(id=f"e-{number}") for number in range(SMALL_EVENTS + 1)])

    with serving(log) as served, ThreadPoolExecutor(THREADS) as clients:
        answers = list(clients.map(served.post, [large] * THREADS))

    assert [answer.status_code for answer in answers] == [200] * THREADS


def test_many_small_requests_are_each_told_their_own_part() -> None:
    events = [bought(id=f"e-{n}", identifiers=[f"user:u{n}"]) for n in range(200)]
    requests = [body([event, bought(id="bad", identifiers=[])]) for event in events]

    with serving() as served, ThreadPoolExecutor(32) as clients:
        keys = ["write-key", "other-key", "browser-key", "write-key"] * 50
        answers = list(clients.map(served.post, requests, keys))
        recorded = {event.id: event for event in served.recorded()}
        positions = [decode(answer.json()["position"]) for answer in answers]

    assert [answer.json()["accepted"] for answer in answers] == [1] * 200
    assert [answer.json()["rejected"][0]["index"] for answer in answers] == [1] * 200
    assert recorded.keys() == {event["id"] for event in events}
    for event, position, key in zip(events, positions, keys, strict=True):
        stored = recorded[event["id"]]
        assert stored.workspace == KEYS[key].workspace
        assert position.keys() == {partition_of(stored.leaf, served.log.partitions)}


def test_a_log_that_is_away_is_503_with_retry_after() -> None:
    with serving(AbsentLog()) as served:
        response = served.post(body(bought()))

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.json() == {
        "problem": "storage does not answer",
        "field": "",
        "value": None,
        "remedy": "send the same request again",
    }


def test_postgres_stopped_is_503_and_its_return_needs_no_restart(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    urls = postgres.start()
    migrate(urls.owner)
    log, vault = PostgresLog(urls.fold), PostgresVault(urls.fold, b"m" * 32)
    stranger = bought(id="e-2", identifiers=["user:stranger"])

    try:
        with serving(log, vault) as served:
            running = served.post(body(bought()))
            postgres.stop()
            without = [served.post(body(event)) for event in (bought(), stranger)]
            postgres.start()
            again = served.post(body([bought(), stranger]))
            recorded = [event.id for event in served.recorded()]
    finally:
        log.close()
        vault.close()
        postgres.stop()

    assert running.status_code == 200
    assert [response.status_code for response in without] == [503, 503]
    assert [response.headers["Retry-After"] for response in without] == ["1", "1"]
    assert (again.status_code, again.json()["accepted"]) == (200, 2)
    assert sorted(recorded) == ["e-1", "e-1", "e-2"]


class TogetherLog(MemoryLog):
    """Appends once as many appends came as it was told to await."""

    def __init__(self, appends: int) -> None:
        super().__init__()
        self._together = threading.Barrier(appends, timeout=20)

    def append(self, entries: Sequence[Entry]) -> Position:
        self._together.wait()
        return super().append(entries)


class AbsentLog(MemoryLog):
    """Never answers."""

    def append(self, entries: Sequence[Entry]) -> Position:
        raise Unavailable("connection refused")


def exchange(served: Served, headers: str, content: bytes) -> bytes:
    """What comes back for a request as it stands on the wire."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer write-key\r\n"
            + headers.encode()
            + b"\r\n"
            + content
        )
        return connection.recv(65_536)
