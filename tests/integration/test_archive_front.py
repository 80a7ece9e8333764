"""The front: ClickHouse's HTTP interface over chdb, for the unmodified client and for curl."""

import base64
import gzip
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.front import PASSWORD, FrontProcess

USER = ("touchline", PASSWORD)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    with FrontProcess(tmp_path_factory.mktemp("archive") / "chdb") as front:
        yield front


@pytest.fixture
def http(front: FrontProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.address, auth=USER, trust_env=False) as http:
        yield http


@pytest.fixture
def connect(front: FrontProcess) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def connect(**given: object) -> Client:
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


# Who may


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
    front: FrontProcess, given: dict[str, object]
) -> None:
    answer = httpx.post(front.address, content="SELECT 1", trust_env=False, **given)  # type: ignore[arg-type]

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
def test_nobody_else_gets_in(front: FrontProcess, given: dict[str, object]) -> None:
    answer = httpx.post(front.address, content="SELECT 1", trust_env=False, **given)  # type: ignore[arg-type]

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


# How it answers


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("SELEC 1", 400, "62"),
        ("", 400, "62"),
        ("SELECT 1; SELECT 2", 400, "62"),
        ("SELECT * FROM nowhere", 404, "60"),
        ("SELECT nothing", 404, "47"),
        ("SELECT throwIf(1)", 500, "395"),
        ("SELECT sleep(3) SETTINGS max_execution_time = 1", 408, "159"),
        ("INSERT INTO nowhere FORMAT CSV\n1", 404, "60"),
        ("SELECT {missing:String}", 400, "456"),
    ],
)
def test_errors_have_clickhouse_s_codes(
    http: httpx.Client, statement: str, status: int, code: str
) -> None:
    answer = http.post("/", content=statement)

    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_get_reads_and_never_writes(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"

    answer = http.get("/", params={"query": "CREATE TABLE never (n UInt8) ENGINE = Memory"})

    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


def test_formats_are_chosen_in_the_statement_or_beside_it(http: httpx.Client) -> None:
    beside = http.get("/", params={"query": "SELECT 1 AS a", "default_format": "JSON"})
    within = http.post("/?default_format=JSON", content="SELECT 1 AS a FORMAT CSVWithNames;")

    assert beside.json()["data"] == [{"a": 1}]
    assert beside.headers["X-ClickHouse-Format"] == "JSON"
    assert beside.headers["Content-Type"].startswith("application/json")
    assert within.text == '"a"\n1\n'
    assert within.headers["X-ClickHouse-Format"] == "CSVWithNames"


def test_parameters_are_bound_and_never_read_as_sql(http: httpx.Client) -> None:
    hostile = "'); DROP TABLE event; --"

    answer = http.post("/", params={"param_a": hostile}, content="SELECT {a:String}")

    assert answer.text == hostile.replace("'", "\\'") + "\n"


def test_settings_and_database_hold_for_one_request(http: httpx.Client) -> None:
    asked = "SELECT getSetting('max_threads'), currentDatabase(), timeZone()"

    changed = http.post("/", params={"max_threads": "1", "database": "system"}, content=asked)
    after = http.post("/", content=asked)

    assert changed.text == "1\tsystem\tUTC\n"
    assert after.text.split("\t")[1:] == ["touchline", "UTC\n"]
    assert http.post("/?nonsense=1", content=asked).headers["X-ClickHouse-Exception-Code"] == "115"
    assert http.post("/?a%27%3D1=1", content=asked).headers["X-ClickHouse-Exception-Code"] == "36"


def test_a_stream_that_fails_is_broken_off(connect: Callable[..., Client]) -> None:
    late = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"

    with (
        pytest.raises(StreamFailureError, match="395"),
        connect().query_row_block_stream(late) as stream,
    ):
        for _ in stream:
            pass


def test_an_unknown_path_is_no_statement(http: httpx.Client) -> None:
    assert http.post("/query", content="SELECT 1").status_code == 404


# How rows get in


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


# How it lives


def test_it_stops_when_told_to_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with FrontProcess(tmp_path / "chdb") as front:
        archive = front.archive()
        epoch = archive.open()

        assert front.stop() == 0
        front.start()

        assert archive.open() == epoch
        archive.close()


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with FrontProcess(tmp_path / "chdb"), pytest.raises(RuntimeError):
        FrontProcess(tmp_path / "chdb")


def test_it_listens_on_this_machine_alone(front: FrontProcess) -> None:
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if line.split()[1].endswith(f":{front.port:04X}") and line.split()[3] == "0A"
    ]

    assert listening == [f"0100007F:{front.port:04X}"]


def test_it_is_small(front: FrontProcess, http: httpx.Client) -> None:
    assert http.post("/", content="SELECT 1").status_code == 200

    assert front.anonymous_mb() < 300


def test_an_answer_says_what_it_took(http: httpx.Client) -> None:
    answer = http.post("/?wait_end_of_query=1&query_id=mine", content="SELECT * FROM numbers(7)")

    assert json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"] == "7"
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["X-ClickHouse-Server-Display-Name"] == "touchline"
