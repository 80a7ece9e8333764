"""Split: events come out as they went in, whatever stands beside them."""

import json
from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Malformed, TooLarge
from services.ingest.split import split

NDJSON = "application/x-ndjson"
ANY = "application/json"
DEEP = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
STRANGE = [
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b'{"a":"\\ud800"}',
    b'{"a":"\xff"}',
    b'{"a":"\x01"}',
    b'{"a":"\\"},{[\\\\"}',
    b'{"a":' + b"9" * 5_000 + b"}",
]
"""What some writers of JSON let through, and msgspec or Python's own reader does not."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
EVENTS = st.lists(
    st.dictionaries(st.text(), JSON).map(lambda event: json.dumps(event).encode())
    | st.sampled_from(STRANGE),
    max_size=8,
)


def parts(body: bytes, content_type: str = ANY, *, limit: int = 1_000) -> list[bytes]:
    return [bytes(raw) for raw in split(body, content_type, limit=limit)]


@given(EVENTS, st.sampled_from([b",", b" ,\r\n", b"\t, "]))
def test_an_array_gives_back_its_events(events: list[bytes], comma: bytes) -> None:
    assert parts(b" [" + comma.join(events) + b"]\n") == events


@given(EVENTS.filter(bool), st.sampled_from([b"\n", b"\r\n", b"\n\n  \n"]))
def test_lines_give_back_their_events(events: list[bytes], end: bytes) -> None:
    assert parts(end.join(events) + end, NDJSON) == events


@given(EVENTS.filter(bool))
def test_lines_are_recognised_without_being_named(events: list[bytes]) -> None:
    assert parts(b"\n".join(events)) == events


@given(st.dictionaries(st.text(), JSON))
def test_one_object_may_stand_on_many_lines(event: dict[str, Any]) -> None:
    body = json.dumps(event, indent=2).encode()

    assert parts(body) == [body]


@pytest.mark.parametrize("event", [*STRANGE, DEEP])
def test_a_strange_object_alone_or_among_others_is_one_event(event: bytes) -> None:
    assert parts(event) == [event]
    assert parts(b"[{}, " + event + b",{}]") == [b"{}", event, b"{}"]
    assert parts(b"{}\n" + event) == [b"{}", event]


@given(st.binary() | st.text(alphabet='[]{}",:\\a1 \n').map(str.encode))
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    for content_type in (ANY, NDJSON):
        try:
            assert all(isinstance(part, bytes) for part in parts(body, content_type))
        except (Malformed, TooLarge):
            continue


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[]]",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'[{"a":1}',
        b'[{"a":1}}',
        b'["a]',
        b'["\\',
        b"[nonsense]",
        b"[NaN,]",
        b'{"a":1',
        b'{"a":NaN',
        b'{"a":1}{"b":2}',
        b"\xff\xfe",
        b"<html>",
    ],
)
def test_what_is_no_json_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Malformed):
        parts(body)


def test_a_line_that_is_no_json_is_left_for_its_own_refusal() -> None:
    assert parts(b'{"a":1}\n{"a"\n{"b":2}', NDJSON) == [b'{"a":1}', b'{"a"', b'{"b":2}']


def test_an_array_under_the_name_of_ndjson_is_an_array() -> None:
    assert parts(b'[{"a":1},{"b":2}]', NDJSON) == [b'{"a":1}', b'{"b":2}']


def test_a_byte_order_mark_is_no_part_of_the_first_event() -> None:
    assert parts(b'\xef\xbb\xbf{"a":1}') == [b'{"a":1}']


@pytest.mark.parametrize("strange", [b"", b",NaN"])
@pytest.mark.parametrize("content_type", [ANY, NDJSON])
def test_more_events_than_the_limit_are_refused(strange: bytes, content_type: str) -> None:
    with pytest.raises(TooLarge):
        parts(b"[" + b",".join([b"{}"] * 4) + strange + b"]", content_type, limit=3)


@pytest.mark.parametrize(
    "unit", [b"[", b'"', b'\\"', b'"\\', b"[]", b'"",', b"{}", b'{"a":', b"\\", b"[NaN],", b"\n{"]
)
def test_time_grows_with_the_length_and_not_faster(unit: bytes) -> None:
    def took_s(size: int) -> float:
        body = b"[" + unit * (size // len(unit))
        started_s = perf_counter()
        with pytest.raises((Malformed, TooLarge)):
            split(body, ANY, limit=1_000)
        return perf_counter() - started_s

    took = [min(took_s(size) for _ in range(2)) for size in (50_000, 500_000)]

    for short, long in pairwise(took):
        assert long < max(0.2, short * 40)
