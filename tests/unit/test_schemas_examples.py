"""Every example of every type goes the whole way: validated, recorded, encoded, decoded."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES, Business, Control, Data, Touchpoint, appendable_by, key_of
from schemas.catalogue import data_schema_of, envelope_schema, examples_of, schema_of
from schemas.codec import decode, encode
from schemas.custom import Custom
from schemas.envelope import Posted, Recorded
from schemas.validate import validate

EXAMPLES = [
    pytest.param(example, id=f"{key}-{number}")
    for key in TYPES
    for number, example in enumerate(examples_of(key))
]
VALUES = (
    st.text()
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
    | st.lists(st.text(), max_size=3)
    | st.dictionaries(st.text(), st.text() | st.integers() | st.floats(), max_size=3)
    | st.sampled_from(["EUR", "JPY", "0" * 32, "high", "any", "UTC", "DE", 0, 1, 1e15])
)
NAMES_OF_PEOPLE = ("Ada", "Grace", "Marie", "林")


def recorded(posted: Posted[Any]) -> Recorded[Any]:
    """As ingest records it: a custom event's data rests in the sealed part."""
    custom = isinstance(posted.data, Custom)
    return Recorded(
        workspace="default",
        id=posted.id,
        source=posted.source,
        type=posted.type,
        version=posted.version or 0,
        occurred_at=posted.occurred_at or datetime(2026, 11, 21, tzinfo=UTC),
        received_at=datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC),
        identifiers=tuple(f"1{number:031x}" for number, _ in enumerate(posted.identifiers)),
        digest="ab" * 16,
        key_kind="write",
        data=Custom(name=posted.data.name) if custom else posted.data,
        cause=posted.cause,
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_survives_the_log_unchanged(example: dict[str, Any]) -> None:
    posted = validate(json.dumps(example).encode())
    assert isinstance(posted, Posted), posted
    event = recorded(posted)

    payload = encode(event)

    assert decode(payload) == event
    assert encode(decode(payload)) == payload


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_summed_up_in_one_line_that_names_nobody(example: dict[str, Any]) -> None:
    posted = validate(json.dumps(example).encode())
    assert isinstance(posted, Posted), posted

    summary = posted.data.summary()

    assert 0 < len(summary) < 120
    assert "\n" not in summary
    assert not any(name in summary for name in NAMES_OF_PEOPLE)


@pytest.mark.parametrize("key", TYPES)
def test_every_type_has_a_past_tense_name_an_example_and_one_appender(key: str) -> None:
    example = examples_of(key)[0]

    assert key_of(example["type"]) == key
    assert TYPES[key].type == key
    assert appendable_by(example["type"]) in ("touchpoint", "business", "control")
    assert key == "custom" or key.count(".") == 1


def test_who_may_append_follows_from_the_unions() -> None:
    parts = {"touchpoint": Touchpoint, "business": Business, "control": Control}

    found = {kind: who for who, union in parts.items() for kind in get_args(union)}

    assert found == {
        kind: appendable_by(examples_of(key)[0]["type"]) for key, kind in TYPES.items()
    }
    assert len(get_args(Data)) == len(TYPES) == len(found)


@pytest.mark.parametrize(
    "type_", ["custom", "custom.", "custom.Big", "custom..a", "email", "", "x.y"]
)
def test_a_type_outside_the_catalogue_has_no_appender(type_: str) -> None:
    assert key_of(type_) is None
    with pytest.raises(LookupError):
        appendable_by(type_)


@pytest.mark.parametrize(
    "type_", ["custom.read", "custom.book.read-twice", "custom.看书", "custom.a_1"]
)
def test_producers_may_name_types_of_their_own(type_: str) -> None:
    assert appendable_by(type_) == "touchpoint"


@pytest.mark.parametrize("key", TYPES)
def test_every_field_says_what_it_means(key: str) -> None:
    schema = data_schema_of(key)

    undescribed = [
        f"{title}.{name}"
        for title, each in [(key, schema), *schema.get("$defs", {}).items()]
        for name, field in each.get("properties", {}).items()
        if not any("description" in part for part in [field, *field.get("anyOf", [])])
    ]

    assert undescribed == []
    assert schema["description"]


def test_the_schema_of_a_type_holds_envelope_data_and_examples() -> None:
    schema = schema_of("purchase.completed")

    assert schema["properties"]["type"]["const"] == "purchase.completed"
    assert set(schema["required"]) == {"id", "type", "identifiers", "data"}
    assert schema["$defs"]["PurchaseCompleted"]["required"] == [
        "order_id",
        "amount_minor",
        "currency",
    ]
    assert schema["examples"][0]["data"]["order_id"] == "1001"
    assert envelope_schema()["properties"].keys() == schema["properties"].keys()


def test_data_may_be_left_out_where_no_field_of_it_is_required() -> None:
    assert "data" not in schema_of("email.opened")["required"]
    assert "identifiers" not in schema_of("clock.ticked")["required"]


def test_the_schema_of_a_custom_type_takes_any_object() -> None:
    schema = schema_of("custom.book_read")

    assert schema["properties"]["data"]["type"] == "object"
    assert schema["properties"]["type"]["const"] == "custom.book_read"
    assert schema_of("custom")["properties"]["type"]["pattern"]


def test_an_unknown_type_has_no_schema() -> None:
    with pytest.raises(LookupError):
        schema_of("email.read")


@given(st.sampled_from(range(len(EXAMPLES))), st.data())
def test_whatever_is_accepted_survives_the_log(number: int, data: st.DataObject) -> None:
    event = json.loads(json.dumps(EXAMPLES[number].values[0]))
    fields = event.setdefault("data", {})
    for name in data.draw(st.sets(st.sampled_from(sorted(fields)))) if fields else ():
        fields[name] = data.draw(VALUES)

    posted = validate(json.dumps(event).encode())

    if isinstance(posted, Posted):
        assert decode(encode(recorded(posted))) == recorded(posted)
        assert posted.data.summary()
