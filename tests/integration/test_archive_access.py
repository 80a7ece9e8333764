"""The front: who may ask it, and that no statement reaches the machine it runs on."""

import socket
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.front import PASSWORD, FrontProcess

USER = ("touchline", PASSWORD)


@pytest.fixture
def http(front: FrontProcess) -> Iterator[httpx.Client]:
    with front.http() as http:
        yield http


@pytest.fixture
def table(http: httpx.Client) -> str:
    name = f"t_{uuid.uuid4().hex}"
    create = f"CREATE TABLE {name} (n UInt64, text String) ENGINE = MergeTree ORDER BY n"
    assert http.post("/", content=create).status_code == 200
    return name


def rows(http: httpx.Client, table: str) -> str:
    return http.post("/", content=f"SELECT * FROM {table} ORDER BY n").text


@pytest.mark.parametrize(
    "given",
    [
        {"auth": USER},
        {"headers": {"X-ClickHouse-User": USER[0], "X-ClickHouse-Key": PASSWORD}},
        {"params": {"user": USER[0], "password": PASSWORD}},
    ],
    ids=["basic", "headers", "parameters"],
)
def test_the_password_may_come_as_clickhouse_takes_it(
    front: FrontProcess, given: dict[str, Any]
) -> None:
    answer = httpx.post(front.address, content="SELECT 1", trust_env=False, **given)

    assert (answer.status_code, answer.text) == (200, "1\n")


@pytest.mark.parametrize(
    "given",
    [
        {"auth": (USER[0], "wrong")},
        {"auth": ("default", PASSWORD)},
        {"headers": {"Authorization": b"Basic \xff!"}},
        {"headers": {"Authorization": "Basic %%%"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"X-ClickHouse-User": USER[0]}},
        {},
    ],
)
def test_nobody_else_gets_in(front: FrontProcess, given: dict[str, Any]) -> None:
    answer = httpx.post(front.address, content="SELECT 1", trust_env=False, **given)

    assert answer.status_code in {401, 403}
    assert answer.headers["X-ClickHouse-Exception-Code"] in {"194", "516"}
    assert PASSWORD not in answer.text


def test_the_client_learns_that_its_password_is_wrong(front: FrontProcess) -> None:
    with pytest.raises(DatabaseError, match="516"):
        clickhouse_connect.get_client(
            host="127.0.0.1", port=front.port, username=USER[0], password="wrong"
        )


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_anybody_may_ask_whether_it_is_alive(front: FrontProcess, path: str) -> None:
    answer = httpx.get(front.address + path, trust_env=False)

    assert (answer.status_code, answer.text) == (200, "Ok.\n")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT file('/etc/hostname')",
        "SELECT `file`('/etc/hostname')",
        r"SELECT `f\x69le`('/etc/hostname')",
        "SELECT arrayMap(file, ['/etc/hostname'])",
        "SELECT ‘'’, file('/etc/hostname'), ‘'’",
        "SELECT * FROM file('/etc/hostname', 'LineAsString', 'a String')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT * FROM Python(sys)",
        "SELECT 1 INTO OUTFILE '/tmp/never'",
        "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT LineAsString",
        "INSERT INTO t VALUES (1, file('/etc/hostname'))",
        "CREATE TABLE f (a String) ENGINE = File(CSV)",
        "CREATE USER somebody",
        "SELECT /* ' */ file('/etc/hostname') /* ' */",
        "SELECT $x$'$x$, file('/etc/hostname'), $x$'$x$",
    ],
)
def test_a_statement_can_t_reach_the_machine(
    http: httpx.Client, table: str, statement: str
) -> None:
    answer = http.post("/", content=statement.replace(" t ", f" {table} ").encode())

    assert answer.status_code >= 400
    assert socket.gethostname() not in answer.text
    assert rows(http, table) == ""


@pytest.mark.parametrize(
    "statement", ["SELECT 'file', '/* file', 1 AS `a file` -- file", "SELECT 1 /* file */"]
)
def test_what_only_mentions_a_file_is_answered(http: httpx.Client, statement: str) -> None:
    assert http.post("/", content=statement).status_code == 200
