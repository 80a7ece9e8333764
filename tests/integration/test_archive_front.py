"""The front: ClickHouse's HTTP interface over chdb, for the unmodified client and for curl."""

import json
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import StreamFailureError

from tests.front import PASSWORD, FrontProcess


@pytest.fixture
def http(front: FrontProcess) -> Iterator[httpx.Client]:
    with front.http() as http:
        yield http


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


def test_a_stream_that_fails_is_broken_off(front: FrontProcess) -> None:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=front.port, username="touchline", password=PASSWORD
    )
    late = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"

    with (
        pytest.raises(StreamFailureError, match="395"),
        client.query_row_block_stream(late) as stream,
    ):
        for _ in stream:
            pass


def test_an_unknown_path_is_no_statement(http: httpx.Client) -> None:
    assert http.post("/query", content="SELECT 1").status_code == 404


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
