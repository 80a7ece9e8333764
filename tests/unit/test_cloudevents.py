"""CloudEvents become events of ours in whichever mode they come, as the specification's cases."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES
from schemas.problems import Problem
from services.ingest.inbound import mapped, read
from services.ingest.sources.cloudevents import CloudEvent, structured
from services.log.inbox import Inbound
from tests.feature import Scenario, scenarios

FEATURE = (
    Path(__file__).parents[3]
    / "shared/cases/cloudevents_conformance/features/kafka-protocol-binding.feature"
)
SCENARIOS = [*scenarios(FEATURE)] if FEATURE.exists() else []
PURCHASE = {"order_id": "1", "amount_minor": 1250, "currency": "EUR"}
HEADERS = ["ce_specversion", "ce_id", "ce_type", "ce_identifiers", "content-type"]
MEMBERS = ["id", "identifiers", "data", "type", "subject", "version"]
JSON_HEADER = ("content-type", b"application/json")


def record(value: object, /, *more: tuple[str, bytes], **attributes: str) -> Inbound:
    """A record with ``attributes`` in headers, as the binary mode has them."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    named = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return Inbound("touchline.inbox", 3, 42, raw, [*named, *more])


def event(of: Inbound) -> dict[str, Any]:
    """What ``of`` is posted as."""
    found = mapped(of)
    assert found.problem is None
    decoded = json.loads(found.raw)
    assert isinstance(decoded, dict)
    return decoded


def refused(of: Inbound) -> str:
    """The field of what is wrong with it."""
    problem = mapped(of).problem
    assert problem is not None
    return problem.field


def a_cloud_event(**more: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "1", "source": "/shop", "type": "purchase.completed"} | more


@pytest.mark.skipif(not SCENARIOS, reason="shared/cases has no conformance features here")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_record_is_read_as_the_specification_says(scenario: Scenario) -> None:
    payload = scenario.step("a Kafka message with payload").text.encode()
    headers = [(name, value.encode()) for name, value in scenario.step("headers").pairs.items()]

    found = read(Inbound("touchline.inbox", 0, 0, payload, headers))

    assert isinstance(found, CloudEvent)
    assert found.problem is None
    assert found.attributes == scenario.step("attributes are").pairs
    assert json.loads(found.data or b"") == json.loads(scenario.step("following JSON").text)


def test_both_modes_and_our_own_envelope_give_the_same_event() -> None:
    told = {"id": "1", "source": "/shop", "type": "purchase.completed"}
    time, who = "2026-11-22T10:00:00Z", ["user:42", "email:ada@example.org"]
    named = {**told, "time": time, "identifiers": ",".join(who)}

    in_headers = event(record(PURCHASE, JSON_HEADER, specversion="1.0", **named))
    whole = event(record(a_cloud_event(**named, data=PURCHASE)))

    assert in_headers == whole
    assert whole == {**told, "occurred_at": time, "identifiers": who, "data": PURCHASE}


def test_what_of_the_envelope_is_in_the_data_is_taken_out_of_it() -> None:
    data = PURCHASE | {"identifiers": ["user:42"], "personal": {"name": "Ada"}}

    found = event(record(a_cloud_event(subject="cart:7", data=data, version=1, causationid="c")))

    assert found["data"] == PURCHASE
    assert found["identifiers"] == ["user:42"]
    assert found["personal"] == {"name": "Ada"}
    assert (found["version"], found["cause"]) == (1, "c")


def test_no_type_of_the_catalogue_has_data_that_would_be_taken_for_the_envelope_s() -> None:
    fields = {name for kind in TYPES.values() for name in kind.__dataclass_fields__}

    assert not fields & {"identifiers", "personal"}


@pytest.mark.parametrize(
    ("subject", "identifiers"),
    [
        ("user:42", ["user:42"]),
        ("email:ada@example.org", ["email:ada@example.org"]),
        ("https://example.org/42", None),
        ("carts/42", None),
        ("", None),
    ],
)
def test_a_subject_names_the_customer_where_nothing_else_does(
    subject: str, identifiers: list[str] | None
) -> None:
    found = event(record(a_cloud_event(subject=subject)))

    assert (found.get("identifiers") or None) == identifiers


@pytest.mark.parametrize(
    ("type_", "recorded"),
    [
        ("com.example.someevent", "custom.com.example.someevent"),
        ("Com.GitHub/Pull:Request", "custom.com.github-pull-request"),
        ("custom.shelf_seen", "custom.shelf_seen"),
        ("purchase.completed", "purchase.completed"),
        ("purchase.complete", "purchase.complete"),
        ("::", "::"),
    ],
)
def test_a_type_that_is_not_ours_is_a_custom_one_and_a_slip_stays_a_slip(
    type_: str, recorded: str
) -> None:
    assert event(record(a_cloud_event(type=type_)))["type"] == recorded


@pytest.mark.parametrize(
    ("content_type", "payload", "data"),
    [
        (b"application/json", b"[1]", {"value": [1]}),
        (b"application/vnd.shop+json; charset=utf-8", b'{"a":1}', {"a": 1}),
        (b"text/plain", b"hello", {"value": "hello"}),
        (b"application/octet-stream", b"\xff\x00", {"base64": "/wA="}),
        (b"", b"7", {"value": 7}),
        (b"", b"hello", {"value": "hello"}),
        (b"application/json", b"", {}),
    ],
)
def test_data_of_any_kind_is_kept_by_a_custom_type(
    content_type: bytes, payload: bytes, data: object
) -> None:
    headers = [("Content-Type", content_type)] if content_type else []

    found = event(record(payload, *headers, specversion="1.0", id="1", source="/s", type="a.b"))

    assert found["data"] == data


def test_data_in_base64_is_what_its_content_type_says() -> None:
    told = a_cloud_event(type="a.b", datacontenttype="application/json", data_base64="eyJhIjoxfQ==")

    assert event(record(told))["data"] == {"a": 1}
    assert refused(record(told | {"data_base64": "?"})) == "data_base64"


def test_a_record_without_an_id_is_named_by_its_place() -> None:
    anonymous = a_cloud_event()
    del anonymous["id"]

    assert event(record(anonymous))["id"] == "touchline.inbox:3:42"
    assert event(record({"type": "call.ended"}))["id"] == "touchline.inbox:3:42"
    assert event(record({"type": "call.ended", "id": "c"})) == {"type": "call.ended", "id": "c"}


def test_what_can_not_be_taken_in_says_why_and_keeps_what_it_held() -> None:
    old = record(PURCHASE, specversion="0.3", id="1", source="/s", type="a.b")
    avro = record(b"Obj\x01", ("content-type", b"application/cloudevents+avro"))
    batch = record([a_cloud_event()], ("content-type", b"application/cloudevents-batch+json"))
    broken = record(b"{", JSON_HEADER, specversion="1.0", id="1", source="/s", type="a.b")

    assert refused(old) == "specversion"
    assert json.loads(mapped(old).raw)["data"] == PURCHASE
    assert refused(avro) == refused(batch) == "content-type"
    assert refused(broken) == "data"
    assert mapped(Inbound("t", 0, 0, None)).problem is not None


@given(
    st.binary() | st.sampled_from([b"{}", b"[]", b'{"specversion":1}', b'{"id":"\\ud800"}']),
    st.lists(
        st.tuples(
            st.sampled_from(HEADERS),
            st.binary() | st.sampled_from([b"1.0", b"application/cloudevents+json"]),
        )
    ),
)
def test_no_record_breaks_the_reader(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    found = mapped(Inbound("t", 0, 0, value, headers))

    assert isinstance(found.raw, bytes)


@given(st.dictionaries(st.sampled_from(MEMBERS), st.from_type(object)))
def test_no_members_break_the_reader(members: dict[str, object]) -> None:
    raw = json.dumps(members | {"specversion": "1.0"}, default=str).encode()

    assert not isinstance(structured(raw), Problem) or b"NaN" in raw or b"Infinity" in raw
    assert isinstance(mapped(record(raw)).raw, bytes)
