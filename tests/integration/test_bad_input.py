"""Bad input: for everything a sender can do wrong, the status and the exact answer."""

import gzip
import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.integration.door import Served, serving
from tests.integration.wrong_events import WRONG, Wrong, body, bought

ANY_FORM: Final = "send an event, an array of events, or one event a line"
SPLIT: Final = "split it into several requests"
EACH_WRONG: Final = pytest.mark.parametrize("wrong", WRONG, ids=[wrong.about for wrong in WRONG])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


@EACH_WRONG
def test_a_wrong_event_is_answered_exactly(wrong: Wrong, served: Served) -> None:
    before = len(served.recorded())

    # In an array, since a list as the whole body would be the array itself.
    response = served.post(b"[" + body(wrong.event) + b"]")

    assert response.status_code == wrong.status
    answer = response.json()
    assert answer["rejected"] == [wrong.answer(0)]
    assert (answer["accepted"], answer["warnings"]) == (0, [])
    assert len(served.recorded()) == before


@EACH_WRONG
def test_a_wrong_event_never_stops_the_good_ones(wrong: Wrong, served: Served) -> None:
    first, last = bought(id=f"first {wrong.about}"), bought(id=f"last {wrong.about}")

    response = served.post(b",".join([b"[" + body(first), body(wrong.event), body(last) + b"]"]))

    assert response.status_code == 207
    assert response.json()["accepted"] == 2
    assert response.json()["rejected"] == [wrong.answer(1)]
    assert len(served.find(first["id"])) == len(served.find(last["id"])) == 1


@EACH_WRONG
def test_a_wrong_line_never_stops_the_good_ones(wrong: Wrong, served: Served) -> None:
    first, last = bought(id=f"line 1 {wrong.about}"), bought(id=f"line 3 {wrong.about}")
    lines = b"\n".join([body(first), body(wrong.event), body(last)])

    response = served.post(lines, **{"Content-Type": "application/x-ndjson"})

    assert response.status_code == 207
    assert response.json()["accepted"] == 2
    assert response.json()["rejected"] == [wrong.answer(1)]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"hello", "hello"),
        (b'{"id": "e-1", "type"', '{"id": "e-1", "type"'),
        (b'{"id": "e-1",}', '{"id": "e-1",}'),
        (b'[{"id": "e-1"}', '[{"id": "e-1"}'),
        (b'[{"id": "e-1"} {"id": "e-2"}]', '[{"id": "e-1"} {"id": "e-2"}]'),
        (b'{"id": "e-1"} and more', '{"id": "e-1"} and more'),
        (b"a=1&b=2", "a=1&b=2"),
        (b"\x00\x01\x02", "\x00\x01\x02"),
    ],
)
def test_a_body_that_is_no_json_is_400(content: bytes, shown: str, served: Served) -> None:
    response = served.post(content)

    assert response.status_code == 400
    assert response.json() == {
        "problem": "is no JSON",
        "field": "body",
        "value": shown,
        "remedy": ANY_FORM,
    }


@pytest.mark.parametrize("content", [b"", b" \n "])
def test_an_empty_body_is_400(content: bytes, served: Served) -> None:
    response = served.post(content)

    assert response.status_code == 400
    assert response.json()["problem"] == "is empty"


def test_a_line_that_is_no_json_rejects_that_line(served: Served) -> None:
    lines = b"\n".join([body(bought(id="l-1")), b"not json", b"", body(bought(id="l-2"))])

    response = served.post(lines, **{"Content-Type": "application/x-ndjson"})

    assert response.status_code == 207
    assert response.json()["accepted"] == 2
    rejected = response.json()["rejected"]
    assert [(entry["index"], entry["id"], entry["value"]) for entry in rejected] == [
        (1, None, "not json")
    ]


def test_1_000_events_are_taken_and_1_001_are_413(served: Served) -> None:
    events = [bought(id=f"many-{number}") for number in range(1_001)]

    taken = served.post(body(events[:1_000]))
    refused = served.post(body(events))

    assert (taken.status_code, taken.json()["accepted"]) == (200, 1_000)
    assert refused.status_code == 413
    assert refused.json() == {
        "problem": "holds more than 1000 events",
        "field": "body",
        "value": None,
        "remedy": SPLIT,
    }


def test_a_body_of_more_than_5_mb_is_413(served: Served) -> None:
    response = served.post(b"[" + b" " * 5_000_000 + b"]")

    assert response.status_code == 413
    assert response.json() == {
        "problem": "is larger than 5 MB",
        "field": "body",
        "value": None,
        "remedy": SPLIT,
    }


@pytest.mark.parametrize("inflated_mb", [6, 500])
def test_a_gzip_bomb_is_413(inflated_mb: int, served: Served) -> None:
    spaces = gzip.compress(b" " * (1_000_000 * inflated_mb // 5), compresslevel=1)
    bomb = gzip.compress(b"[") + 5 * spaces + gzip.compress(b"]")

    response = served.post(bomb, **{"Content-Encoding": "gzip"})

    assert response.status_code == 413
    assert response.json()["remedy"] in {SPLIT, "send it uncompressed"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[]", "is no gzip, though Content-Encoding says so"),
        (gzip.compress(body(bought()))[:-4], "is gzip that ends too early"),
    ],
)
def test_gzip_that_is_none_is_400(content: bytes, problem: str, served: Served) -> None:
    response = served.post(content, **{"Content-Encoding": "gzip"})

    assert response.status_code == 400
    assert response.json()["problem"] == problem


def test_an_encoding_we_do_not_read_is_415(served: Served) -> None:
    response = served.post(b"[]", **{"Content-Encoding": "br"})

    assert response.status_code == 415
    assert response.json() == {
        "problem": "is an encoding we don't read",
        "field": "Content-Encoding",
        "value": "br",
        "remedy": "send the body as it is or with gzip",
    }


def test_an_answer_is_json_even_where_the_id_is_no_text(served: Served) -> None:
    response = served.post(b'[{"id":"\\ud800","type":"custom.seen","identifiers":["user:42"]}]')

    assert response.status_code == 422
    assert json.loads(response.content)["rejected"][0]["id"] == "?"
