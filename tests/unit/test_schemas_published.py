"""Published schemas: current, and never narrowed without a new version."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.compatibility import breaks
from schemas.publish import broken, current, main, published, stale, write

Schema = dict[str, Any]

SCHEMA: Schema = {
    "version": 1,
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "count": {"type": "integer", "minimum": 0, "maximum": 10, "default": 0},
        "note": {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}], "default": None},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 5},
        "traits": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "$defs": {
        "Line": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"sku": {"type": "string"}, "price": {"type": "number"}},
            "required": ["sku"],
        }
    },
}


def changed(change: Callable[[Schema], object]) -> Schema:
    schema = copy.deepcopy(SCHEMA)
    change(schema)
    return schema


def property_(schema: Schema, name: str) -> Schema:
    found: Schema = schema["properties"][name]
    return found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s["properties"].pop("kind"), "kind was removed"),
        (lambda s: s["required"].append("count"), "count is required now"),
        (
            lambda s: (s["properties"].update(new={"type": "string"}), s["required"].append("new")),
            "new is required now",
        ),
        (lambda s: property_(s, "id").update(type="integer"), "id was string and is integer"),
        (lambda s: property_(s, "kind").update(enum=["a"]), "kind no longer takes 'b'"),
        (lambda s: property_(s, "kind").update(const="b"), "kind no longer takes 'a'"),
        (lambda s: property_(s, "id").update(enum=["a"]), "id takes only ['a'] now"),
        (lambda s: property_(s, "count").update(minimum=1), "count had minimum 0 and has 1"),
        (lambda s: property_(s, "count").update(maximum=9), "count had maximum 10 and has 9"),
        (lambda s: property_(s, "id").update(maxLength=1), "id had maxLength 200 and has 1"),
        (lambda s: property_(s, "id").update(pattern="x"), "id had pattern None and has x"),
        (lambda s: property_(s, "lines").update(maxItems=4), "lines had maxItems 5 and has 4"),
        (lambda s: property_(s, "lines").update(minItems=1), "lines had minItems None and has 1"),
        (lambda s: property_(s, "count").update(default=1), "count had the default 0 and has 1"),
        (lambda s: property_(s, "note")["anyOf"].pop(), "note was null and is string"),
        (
            lambda s: property_(s, "note")["anyOf"][0].update(maxLength=5),
            "note had maxLength 9 and has 5",
        ),
        (
            lambda s: s["$defs"]["Line"]["required"].append("price"),
            "lines[].price is required now",
        ),
        (
            lambda s: s["$defs"]["Line"]["properties"]["price"].update(type="integer"),
            "lines[].price was number and is integer",
        ),
        (
            lambda s: property_(s, "traits")["additionalProperties"].update(type="integer"),
            "traits.* was number and is integer",
        ),
        (
            lambda s: property_(s, "traits").update(additionalProperties=False),
            "traits takes no further fields now",
        ),
    ],
)
def test_a_narrower_schema_breaks(change: Callable[[Schema], object], reason: str) -> None:
    assert breaks(SCHEMA, changed(change)) == [reason]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: None,
        lambda s: s["properties"].update(new={"type": "string", "default": "x"}),
        lambda s: s["required"].clear(),
        lambda s: property_(s, "kind").update(enum=["c", "b", "a"]),
        lambda s: property_(s, "kind").pop("enum"),
        lambda s: property_(s, "count").update(maximum=11, minimum=-1),
        lambda s: property_(s, "count").update(type="number"),
        lambda s: property_(s, "count").pop("maximum"),
        lambda s: property_(s, "note").pop("anyOf"),
        lambda s: property_(s, "note")["anyOf"].append({"type": "integer"}),
        lambda s: property_(s, "id").update(description="better words"),
        lambda s: property_(s, "id").update(
            {"anyOf": [{"type": "null"}, {"type": "string"}], "type": None}
        ),
        lambda s: s.update(additionalProperties=True),
        lambda s: s["properties"].update(lines={"type": "array", "items": s["$defs"]["Line"]}),
    ],
)
def test_a_wider_schema_does_not_break(change: Callable[[Schema], object]) -> None:
    assert breaks(SCHEMA, changed(change)) == []


def test_a_removed_type_breaks() -> None:
    assert broken({"a.b": SCHEMA}, {}) == ["a.b: the type was removed"]


def test_a_new_type_does_not_break() -> None:
    assert broken({}, {"a.b": SCHEMA}) == []


def test_a_breaking_change_needs_a_new_version_and_a_step_from_the_old_one() -> None:
    narrower = changed(lambda s: s["properties"].pop("kind"))
    announced = {"feedback.given": narrower | {"version": 2}}

    assert broken({"feedback.given": SCHEMA}, announced) == []
    assert broken({"email.sent": SCHEMA}, {"email.sent": narrower}) == [
        "email.sent: kind was removed"
    ]
    assert broken({"email.sent": SCHEMA}, {"email.sent": narrower | {"version": 2}}) == [
        "email.sent: no step from version 1 to 2 in upcast.py"
    ]
    assert broken(announced, {"feedback.given": SCHEMA}) == [
        "feedback.given: version 2 went back to 1"
    ]


def test_what_is_committed_is_current() -> None:
    before, after = published(), current()

    assert broken(before, after) == []
    assert stale(before, after) == [], "run python -m schemas.publish and commit what it writes"


def test_publishing_writes_what_a_check_then_finds_current(tmp_path: Path) -> None:
    assert main(["--check"], tmp_path) == 1
    assert list(tmp_path.iterdir()) == []

    assert main([], tmp_path) == 0

    assert main(["--check"], tmp_path) == 0
    assert published(tmp_path) == current()


def test_a_breaking_change_is_neither_published_nor_passed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([], tmp_path)
    wider = published(tmp_path)["task.created"]
    wider["properties"]["colour"] = {"type": "string", "default": "red"}
    write({"task.created": wider}, tmp_path)

    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 1

    assert "breaking: task.created: colour was removed" in capsys.readouterr().out
    assert published(tmp_path)["task.created"] == wider
