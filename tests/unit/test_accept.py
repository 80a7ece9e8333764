"""Accept: what becomes a record, what is refused, and that no bytes make it fail."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES, appendable_by
from schemas.catalogue import examples_of
from schemas.codec import decode
from schemas.custom import Custom
from schemas.envelope import Recorded, Unsealed
from services.ingest.accept import MAX_BYTES, Accepted, Producer, Rejected, accept
from services.vault.memory import MemoryVault
from services.vault.port import DataKey
from services.vault.seal import hash_identifier, unseal

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SERVER: Final = Producer("shop", "write", "k_write", "DE")
BROWSER: Final = Producer("shop", "browser", "k_browser", "DE")


class CountingVault(MemoryVault):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def keys_for(self, workspace: str, owners: Collection[str]) -> Mapping[str, DataKey]:
        self.asked += 1
        return super().keys_for(workspace, owners)


VAULT: Final = CountingVault()


def visited(**changes: object) -> bytes:
    """A custom event as posted, but for ``changes``."""
    event = {"id": "e-1", "type": "custom.visited", "identifiers": ["user:42"], "data": {"a": 1}}
    return json.dumps(event | changes).encode()


def one(raw: bytes, producer: Producer = SERVER) -> Accepted | Rejected:
    return accept([raw], producer, NOW, VAULT)[0]


def recorded(raw: bytes, producer: Producer = SERVER) -> Recorded[Any]:
    result = one(raw, producer)
    assert isinstance(result, Accepted), result
    return decode(result.payload)


def refused(raw: bytes, producer: Producer = SERVER) -> Rejected:
    result = one(raw, producer)
    assert isinstance(result, Rejected), result
    return result


def opened(event: Recorded[Any]) -> Unsealed:
    assert event.sealed is not None
    secret = VAULT.secrets([event.sealed.key_id])[event.sealed.key_id]
    bound_to = f"{event.workspace}\0{event.source}\0{event.id}".encode()
    return msgspec.json.decode(unseal(secret, event.sealed, bound_to=bound_to), type=Unsealed)


@pytest.mark.parametrize(
    ("type_", "example"),
    [(type_, example) for type_ in TYPES for example in examples_of(type_)],
)
def test_every_example_is_accepted_from_whom_may_send_it(type_: str, example: Any) -> None:
    raw = json.dumps(example).encode()
    is_control = type_ != Custom.type and appendable_by(type_) == "control"

    [result] = accept([raw], SERVER, NOW, VAULT)

    if is_control:
        assert isinstance(result, Rejected)
        assert result.reason == "forbidden"
    else:
        assert isinstance(result, Accepted), result
        event = decode(result.payload)
        assert (event.id, event.type, event.workspace) == (example["id"], example["type"], "shop")


def test_the_leaf_is_the_strongest_identifier_and_names_the_partition() -> None:
    raw = visited(identifiers=["anonymous:a", "crm:7", "email:ada@example.org", "user:42"])

    result = one(raw)

    assert isinstance(result, Accepted)
    event = decode(result.payload)
    assert result.partition_leaf == event.leaf
    assert event.leaf == hash_identifier(VAULT.hash_key, "shop", "user", "42")
    assert "".join(hash_[0] for hash_ in event.identifiers) == "0134"


def test_plain_identifiers_are_sealed_in_the_order_of_their_hashes() -> None:
    event = recorded(visited(identifiers=["phone:030 1234567", "email:ADA@Example.org"]))

    assert opened(event).identifiers == ("email:ada@example.org", "phone:+49301234567")


def test_identifiers_that_normalise_alike_are_one() -> None:
    event = recorded(visited(identifiers=["email:a@b.org", "email: A@B.ORG ", "EMAIL:a@b.org"]))

    assert len(event.identifiers) == 1


def test_a_region_reads_phone_numbers_of_its_country() -> None:
    british = Producer("shop", "write", "k", "GB")

    event = recorded(visited(identifiers=["phone:020 7946 0018"]), british)

    assert opened(event).identifiers == ("phone:+442079460018",)


def test_custom_data_are_sealed_whole() -> None:
    event = recorded(visited(data={"name": "Ada", "shelf": 7}))

    assert event.data == Custom(name="visited")
    assert opened(event).data == {"name": "Ada", "shelf": 7}


@pytest.mark.parametrize(
    ("changes", "has_traits"),
    [
        ({}, False),
        ({"personal": {"text": "hello", "comment": "fine"}}, False),
        ({"personal": {"text": "hello", "name": "Ada"}}, True),
        ({"personal": {"nickname": None}}, True),
        ({"type": "customer.identified", "data": {"traits": {"plan": "pro"}}}, True),
    ],
)
def test_an_event_says_whether_it_describes_its_customer(
    changes: dict[str, object], has_traits: bool
) -> None:
    assert recorded(visited(**changes)).has_traits is has_traits


def test_the_digest_is_of_the_meaning_not_of_the_spelling() -> None:
    spaced = visited().replace(b",", b" ,\n")
    reordered = json.dumps(dict(reversed(json.loads(visited()).items()))).encode()

    digests = {recorded(raw).digest for raw in (visited(), spaced, reordered)}

    assert len(digests) == 1
    assert recorded(visited(data={"a": 2})).digest not in digests


@pytest.mark.parametrize(
    ("occurred_at", "reason"),
    [
        ("1970-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59.999999Z", "time"),
        ("1970-01-01T00:59:59+01:00", "time"),
        ((NOW + timedelta(minutes=10)).isoformat(), None),
        ((NOW + timedelta(minutes=10, microseconds=1)).isoformat(), "time"),
        ("0001-01-01T00:00:00+14:00", "invalid"),
        ("9999-12-31T23:59:59-14:00", "invalid"),
    ],
)
def test_times_count_from_1970_to_ten_minutes_ahead(occurred_at: str, reason: str | None) -> None:
    result = one(visited(occurred_at=occurred_at))

    assert getattr(result, "reason", None) == reason


def test_a_time_in_another_zone_is_recorded_in_utc() -> None:
    event = recorded(visited(occurred_at="2026-11-22T05:00:00-05:00"))

    assert event.occurred_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert event.occurred_at.utcoffset() == timedelta(0)


def test_of_a_field_told_twice_the_last_counts_for_every_check() -> None:
    first, last = b'{"id":"1","type":"%s",', b'"type":"%s","identifiers":["user:42"],"data":{}}'

    forbidden = refused(first % b"custom.visited" + last % b"clock.ticked")
    event = recorded(first % b"clock.ticked" + last % b"custom.visited")

    assert forbidden.reason == "forbidden"
    assert (event.type, event.data) == ("custom.visited", Custom(name="visited"))


@pytest.mark.parametrize("source", ["touchline", "touchline/relay", "browser/k_browser/api"])
@pytest.mark.parametrize("producer", [SERVER, BROWSER])
def test_no_key_may_name_a_source_of_ours(source: str, producer: Producer) -> None:
    assert refused(visited(source=source), producer).reason == "source"


def test_what_a_browser_key_sends_is_marked_and_opens_under_its_mark() -> None:
    event = recorded(visited(source="web"), BROWSER)

    assert (event.source, event.key_kind) == ("browser/k_browser/web", "browser")
    assert opened(event).data == {"a": 1}


def test_an_event_of_one_megabyte_is_accepted_and_one_byte_more_is_not() -> None:
    room = MAX_BYTES - len(visited(data={"a": ""}))

    fits, too_large = (visited(data={"a": "x" * size}) for size in (room, room + 1))

    assert isinstance(one(fits), Accepted)
    assert refused(too_large).reason == "size"
    assert refused(too_large).id == "e-1"


def test_a_request_asks_the_vault_once() -> None:
    vault = CountingVault()

    accept([visited(identifiers=[f"user:{n}"]) for n in range(50)], SERVER, NOW, vault)

    assert vault.asked == 1


def test_results_keep_the_order_of_what_was_posted() -> None:
    results = accept([visited(id="a"), b"{", visited(id="b")], SERVER, NOW, VAULT)

    assert [(result.index, result.id) for result in results] == [(0, "a"), (1, None), (2, "b")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ENVELOPE = st.fixed_dictionaries(
    {"id": JSON, "type": JSON | st.sampled_from([*TYPES, "custom.x"])},
    optional={
        "identifiers": JSON | st.lists(st.text() | st.from_regex(r"(user|email|phone):.*")),
        "source": JSON,
        "version": JSON,
        "occurred_at": JSON | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
        "personal": JSON,
        "data": JSON,
        "cause": JSON,
    },
)


@given(st.binary() | ENVELOPE.map(lambda event: json.dumps(event).encode()))
def test_no_bytes_make_accept_fail(raw: bytes) -> None:
    for producer in (SERVER, BROWSER):
        [result] = accept([raw], producer, NOW, VAULT)
        if isinstance(result, Accepted):
            assert decode(result.payload).workspace == "shop"
        else:
            assert result.problem.problem
            assert result.problem.remedy


@given(st.dictionaries(st.text(), JSON))
def test_custom_data_open_as_they_were_posted(data: dict[str, Any]) -> None:
    result = one(visited(data=data))

    if isinstance(result, Accepted):
        assert opened(decode(result.payload)).data == data
