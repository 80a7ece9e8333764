"""The log's bytes: what was encoded comes back, older versions too, and garbage is told apart."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Data
from schemas.alert import AlertClosed
from schemas.codec import Undecodable, canonical, decode, dump, encode
from schemas.custom import Custom
from schemas.email import EmailOpened
from schemas.envelope import Recorded, Sealed
from schemas.feedback import FeedbackGiven
from schemas.purchase import Line, PurchaseCompleted

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def event(data: Data, **changes: Any) -> Recorded[Any]:
    known: dict[str, Any] = {
        "workspace": "default",
        "id": "e-1",
        "source": "shop",
        "type": data.type,
        "version": data.version,
        "occurred_at": AT,
        "received_at": AT,
        "identifiers": ("0" * 32,),
        "digest": "ab" * 16,
        "key_kind": "write",
        "data": data,
    }
    return Recorded(**(known | changes))


def altered(payload: bytes, **changes: Any) -> bytes:
    """``payload`` with top-level fields replaced, or left out where ``...`` stands."""
    changed = json.loads(payload) | changes
    return json.dumps({name: value for name, value in changed.items() if value is not ...}).encode()


OPENED = encode(event(EmailOpened()))


@pytest.mark.parametrize("named", ["purchase.completed", "email.opened", "nothing.known"])
def test_what_looks_like_a_type_is_none(named: str) -> None:
    opened = json.loads(OPENED)
    misleading = {"data": {**opened.pop("data"), "type": named}, **opened}

    payload = msgspec.json.encode(misleading | {"id": f'"type":"{named}"'})

    assert payload.startswith(b'{"data":{')
    assert decode(payload) == msgspec.structs.replace(decode(OPENED), id=f'"type":"{named}"')


def test_defaults_are_not_written() -> None:
    data = PurchaseCompleted(order_id="1", amount_minor=5, currency="EUR", lines=(Line(sku="a"),))

    assert dump(data) == b'{"order_id":"1","amount_minor":5,"currency":"EUR","lines":[{"sku":"a"}]}'
    assert dump(EmailOpened()) == b"{}"


def test_zero_and_false_are_written_where_they_are_no_default() -> None:
    data = PurchaseCompleted(
        order_id="1", amount_minor=0, currency="EUR", lines=(Line(sku="a", quantity=2),)
    )

    assert decode(encode(event(data))).data == data


def test_data_may_be_encoded_already() -> None:
    data = EmailOpened(campaign_id="spring", machine=True)

    raw = msgspec.structs.replace(event(data), data=msgspec.Raw(dump(data)))

    assert encode(raw) == encode(event(data))


def test_sealed_bytes_come_back() -> None:
    recorded = event(EmailOpened(), sealed=Sealed("k-1", b"\x00\xff"), has_traits=True, cause="e-0")

    assert decode(encode(recorded)) == recorded


def test_a_custom_event_leaves_its_data_to_the_sealed_part() -> None:
    data = Custom(name="book.read", data={"title": "Emma"})

    payload = encode(event(data, type="custom.book.read", version=7))

    assert b"Emma" not in payload
    assert decode(payload).data == Custom(name="book.read")
    assert decode(payload).version == 7


def test_an_older_version_is_decoded_as_the_newest() -> None:
    newest = event(FeedbackGiven(survey="csat", score=4, scale_min=1, scale_max=5, topic="shop"))

    older = altered(encode(newest), version=1, data={"stars": 4, "topic": "shop"})

    assert decode(older) == newest


def test_a_control_event_needs_no_identifier() -> None:
    closed = event(AlertClosed(alert_id="a", by="scoring"), identifiers=())

    assert decode(encode(closed)) == closed


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is no recorded event"),
        (b"\xff\xfe", "is no recorded event"),
        (b"[1]", "Expected `object`"),
        (b"[" * 100_000, "is no recorded event"),
        (altered(OPENED, type="email.read"), "no event type 'email.read'"),
        (altered(OPENED, type="custom"), "no event type 'custom'"),
        (altered(OPENED, type="custom.Big Name"), "no event type"),
        (altered(OPENED, version=2), "version 2 of email.opened is unknown, the newest is 1"),
        (altered(OPENED, version=0), "version 0 of email.opened is unknown"),
        (altered(OPENED, version=-(10**6)), "of email.opened is unknown"),
        (altered(OPENED, version="1"), "Expected `int`"),
        (altered(OPENED, type=...), "missing required field `type`"),
        (altered(OPENED, digest=...), "missing required field `digest`"),
        (altered(OPENED, data=...), "missing required field `data`"),
        (altered(OPENED, data={"machine": "yes"}), "Expected `bool`"),
        (altered(OPENED, occurred_at="2026-11-21T10:00:00"), "timezone"),
        (altered(OPENED, occurred_at="yesterday"), "Invalid RFC3339"),
        (altered(OPENED, identifiers=...), "email.opened names no identifier"),
        (altered(OPENED, sealed=["k", "not base64!"]), "base64"),
        (altered(OPENED, type="purchase.completed", data={}), "missing required field `order_id`"),
        (altered(OPENED, type="feedback.given", version=1, data=[]), "Expected `object`"),
        (altered(OPENED, type="feedback.given", version=1, data={}), "csat needs a score"),
        (altered(OPENED, type="feedback.given", version=1, data={"stars": "5"}), "Expected `float"),
        (altered(OPENED, type="feedback.given", version=2, data={"survey": "?"}), "Invalid enum"),
    ],
)
def test_what_is_no_event_is_undecodable_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode(payload)


@given(st.binary())
def test_no_bytes_raise_anything_but_undecodable(payload: bytes) -> None:
    _decodes_or_refuses(payload)


@given(JSON)
def test_no_json_raises_anything_but_undecodable(value: Any) -> None:
    _decodes_or_refuses(json.dumps(value).encode())


@given(
    st.sampled_from(["email.opened", "purchase.completed", "feedback.given", "custom.x", "x"]),
    st.sampled_from(sorted(json.loads(OPENED))),
    st.integers(-1, 3) | JSON,
    JSON,
)
def test_no_damaged_event_raises_anything_but_undecodable(
    type_: str, name: str, version: Any, value: Any
) -> None:
    _decodes_or_refuses(altered(OPENED, **({"type": type_, "version": version} | {name: value})))


@given(st.integers(0, len(OPENED) - 1), st.binary(max_size=3))
def test_no_damaged_byte_raises_anything_but_undecodable(place: int, damage: bytes) -> None:
    _decodes_or_refuses(OPENED[:place] + damage + OPENED[place + 1 :])


def _decodes_or_refuses(payload: bytes) -> None:
    try:
        recorded = decode(payload)
    except Undecodable:
        return
    assert decode(encode(recorded)) == recorded


@given(st.dictionaries(st.text(), JSON))
def test_canonical_json_knows_neither_order_nor_blanks_nor_escapes(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))

    spellings = {
        canonical(json.dumps(value).encode()),
        canonical(json.dumps(backwards, indent=3).encode()),
        canonical(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()),
    }

    assert len(spellings) == 1
    assert canonical(min(spellings)) == min(spellings)


@pytest.mark.parametrize(
    ("one", "other"), [(b"[1.0,-0.0,1e2]", b"[1,0,100]"), (b'"\\u00e9"', '"é"'.encode())]
)
def test_canonical_json_has_one_spelling_of_a_number_and_of_a_character(
    one: bytes, other: bytes
) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(b'["1"]', b"[1]"), (b'{"a":null}', b"{}"), (b"[1.5]", b"[1.25]"), (b"[[1],2]", b"[1,[2]]")],
)
def test_canonical_json_keeps_apart_what_differs(one: bytes, other: bytes) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[NaN]", b"[" * 100_000])
def test_what_is_not_json_has_no_canonical_form(raw: bytes) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        canonical(raw)


def test_a_scale_that_the_survey_implies_equals_one_that_is_said() -> None:
    implied = FeedbackGiven(survey="ces", score=3)

    assert implied == replace(implied, scale_min=1, scale_max=7)
