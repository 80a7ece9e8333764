"""The front: how rows get in, whole or not at all, from the unmodified client and from curl."""

import base64
import gzip
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client

from tests.front import PASSWORD, FrontProcess

USER = ("touchline", PASSWORD)


@pytest.fixture
def http(front: FrontProcess) -> Iterator[httpx.Client]:
    with front.http() as http:
        yield http


@pytest.fixture
def connect(front: FrontProcess) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def connect(**given: Any) -> Client:
        client = clickhouse_connect.get_client(
            host="127.0.0.1", port=front.port, username=USER[0], password=PASSWORD, **given
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def table(http: httpx.Client) -> str:
    name = f"t_{uuid.uuid4().hex}"
    create = f"CREATE TABLE {name} (n UInt64, text String) ENGINE = MergeTree ORDER BY n"
    assert http.post("/", content=create).status_code == 200
    return name


def rows(http: httpx.Client, table: str) -> str:
    return http.post("/", content=f"SELECT * FROM {table} ORDER BY n").text


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd", True])
def test_the_client_inserts_packed_or_not(
    connect: Callable[..., Client], table: str, compress: bool | str
) -> None:
    client = connect(compress=compress)
    numbers = list(range(200_000))

    summary = client.insert(
        table, [numbers, [f"é{n}" for n in numbers]], ["n", "text"], column_oriented=True
    )

    assert summary.written_rows == 200_000
    assert client.query(f"SELECT count(), uniqExact(text), max(n) FROM {table}").result_rows == [
        (200_000, 200_000, 199_999)
    ]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "INSERT INTO {table} VALUES (1, 'a;b'), (2, 'it''s')"),
        ("", "INSERT INTO {table} (n, text) FORMAT TSV\n1\ta;b\n2\tit's\n"),
        ("INSERT INTO {table} FORMAT TSV", "1\ta;b\n2\tit's\n"),
        ("INSERT INTO {table} (n, text) VALUES", "(1, 'a;b'), (2, 'it''s')"),
        ("INSERT INTO {table} VALUES (1, 'a;b'),", "(2, 'it''s')"),
        ("", "INSERT INTO {table} SELECT 1, 'a;b' UNION ALL SELECT 2, 'it''s'"),
        (
            "INSERT INTO {table} SETTINGS max_insert_threads = 1 FORMAT JSONEachRow",
            '{{"n":1,"text":"a;b"}}{{"n":2,"text":"it\'s"}}',
        ),
    ],
)
def test_statement_and_data_may_come_in_any_of_clickhouse_s_ways(
    http: httpx.Client, table: str, query: str, body: str
) -> None:
    given = {"query": query.format(table=table)} if query else {}

    answer = http.post("/", params=given, content=body.format(table=table))

    assert answer.text == ""
    assert rows(http, table) == "1\ta;b\n2\tit\\'s\n"


def test_a_packed_body_is_unpacked_and_a_broken_one_refused(http: httpx.Client, table: str) -> None:
    statement = {"query": f"INSERT INTO {table} FORMAT CSV"}
    packed = gzip.compress(b"1,a\n") + gzip.compress(b"2,b\n")
    headers = {"Content-Encoding": "gzip"}

    broken = http.post("/", params=statement, headers=headers, content=packed[:-9])
    strange = http.post("/", params=statement, headers={"Content-Encoding": "x"}, content=packed)
    whole = http.post("/", params=statement, headers=headers, content=packed)

    assert (broken.status_code, broken.headers["X-ClickHouse-Exception-Code"]) == (400, "117")
    assert strange.status_code == 501
    assert whole.status_code == 200
    assert rows(http, table) == "1\ta\n2\tb\n"


def test_a_body_that_breaks_off_inserts_nothing(
    front: FrontProcess, http: httpx.Client, table: str
) -> None:
    secret = base64.b64encode(":".join(USER).encode()).decode()
    head = (
        f"POST /?query=INSERT+INTO+{table}+FORMAT+CSV HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Basic {secret}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"8\r\n1,a\n2,b\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)

    assert answer == b""
    assert rows(http, table) == ""


def test_a_bad_row_keeps_the_whole_insert_out(http: httpx.Client, table: str) -> None:
    answer = http.post("/", content=f"INSERT INTO {table} FORMAT CSV\n1,a\nx,b\n")

    assert answer.headers["X-ClickHouse-Exception-Code"] == "27"
    assert rows(http, table) == ""


def test_a_statement_too_long_is_refused_and_the_connection_lives_on(http: httpx.Client) -> None:
    answer = http.post("/", content="SELECT '" + "x" * (5 << 20) + "'")

    assert answer.status_code == 413
    assert http.post("/", content="SELECT 1").text == "1\n"


def test_readers_see_whole_inserts_while_others_insert(
    connect: Callable[..., Client], table: str
) -> None:
    client = connect(autogenerate_session_id=False, compress=False)
    is_over = threading.Event()

    def read() -> list[int]:
        counts = []
        while not is_over.is_set():
            counts.append(client.query(f"SELECT count() FROM {table}").result_rows[0][0])
        return counts

    def write(number: int) -> None:
        numbers = range(number * 1_000, (number + 1) * 1_000)
        client.insert(table, [[n, "x"] for n in numbers], ["n", "text"])

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        list(pool.map(write, range(30)))
        is_over.set()
        seen = [reader.result() for reader in readers]

    assert all(count % 1_000 == 0 for counts in seen for count in counts)
    assert all(counts == sorted(counts) for counts in seen)
    assert client.query(f"SELECT count(), uniqExact(n) FROM {table}").result_rows == [
        (30_000, 30_000)
    ]
