"""The edge of the language under broken and hostile input: it refuses, and never raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES
from schemas.catalogue import examples_of
from schemas.codec import canonical
from schemas.validate import validate
from tests.posted import JSON, accepted, fields, posted, refused

EXAMPLES = [json.dumps(example).encode() for key in TYPES for example in examples_of(key)]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (posted(id="a\0b"), "id"),
        (posted(personal={"text": "a\0"}), "personal.text"),
        (posted("custom.x", data={"a": [1, {"b": "\0"}]}), "data.a.1.b"),
        (posted("custom.x", data={"a": {"\0": 1}}), "data.a.�"),
        (posted("custom.\0"), "type"),
    ],
)
def test_nul_is_refused_wherever_it_hides(raw: bytes, field: str) -> None:
    assert fields(raw) == [field]


def test_a_backslash_before_u0000_is_only_text() -> None:
    assert accepted(posted(id="a\\u0000")).id == "a\\u0000"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + posted(),
        posted() + b"x",
        posted() * 2,
        posted().replace(b"e-1", b"\xed\xa0\x80"),
        posted().replace(b"e-1", b"\\ud800"),
        posted().replace(b"e-1", b"\\udc00\\ud800"),
        posted().replace(b"e-1", b"a\x00b"),
        posted("custom.x", data={"a": "\ud800"}),
        posted("feedback.given", version=1, data={"a": "\ud800"}),
        b"[" * 100_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        posted("custom.x", data="HERE").replace(
            b'"HERE"', b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        ),
        posted(identifiers="HERE").replace(b'"HERE"', b"[" * 10_000),
        posted("custom.x", data="HERE").replace(b'"HERE"', b'{"a":' + b"9" * 5000 + b"}"),
    ],
)
def test_broken_json_is_refused_as_a_whole(raw: bytes) -> None:
    assert fields(raw) == [""]


def test_without_a_type_the_envelope_says_what_is_missing() -> None:
    assert fields(b"{}") == ["id", "type"]
    assert fields(posted(type=...)) == ["type"]
    assert fields(b'{"type": 5, "id": "", "version": "1"}') == ["id", "type", "version"]


def test_of_a_key_given_twice_the_last_counts_everywhere() -> None:
    raw = b'{"type":"custom.x",' + posted()[1:]

    assert accepted(raw).type == "email.opened"
    assert b"custom.x" not in canonical(raw)


@given(st.binary())
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    refused(raw)


@given(JSON)
def test_no_json_makes_it_raise(value: Any) -> None:
    refused(json.dumps(value).encode())


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_changed_event_makes_it_raise(raw: bytes, data: st.DataObject) -> None:
    event = json.loads(raw)
    place = event.setdefault(data.draw(st.sampled_from(["data", "personal"])), {})
    place = data.draw(st.sampled_from([event, place]))
    place[data.draw(st.sampled_from(sorted(place)) if place else st.text())] = data.draw(JSON)

    assert validate(json.dumps(event).encode())


@given(st.sampled_from(EXAMPLES), st.integers(0), st.binary(max_size=3))
def test_no_damaged_byte_makes_it_raise(raw: bytes, place: int, damage: bytes) -> None:
    place %= len(raw)

    assert validate(raw[:place] + damage + raw[place + 1 :])


@given(st.sampled_from(sorted(TYPES)), st.dictionaries(st.text(), JSON))
def test_no_data_of_any_type_makes_it_raise(type_: str, value: dict[str, Any]) -> None:
    assert validate(posted(type_, data=value))
