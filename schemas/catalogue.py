"""The catalogue for those who publish events: JSON Schema and examples of what may be recorded."""

import json
from importlib import resources
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from schemas import TYPES, appendable_by, key_of
from schemas.custom import Custom
from schemas.envelope import Posted
from schemas.fields import Free

Schema = dict[str, Any]
DIALECT: Final = GenerateJsonSchema.schema_dialect


def schema_of(type_: str) -> Schema:
    """JSON Schema of a whole event of ``type_`` as posted, envelope and data, with examples.

    Raises ``LookupError`` for a type that does not exist; ``custom`` stands for all custom types.
    """
    key = _key(type_)
    data: Any = Free if key == Custom.type else TYPES[key]
    schema = _generated(Posted[data])
    properties, required = schema["properties"], schema["required"]
    properties["type"] |= _named(type_)
    properties["version"]["default"] = TYPES[key].version
    if appendable_by(_example_name(type_)) != "control":
        properties["identifiers"]["minItems"] = 1
        required.append("identifiers")
    if not _data_schema(key).get("required"):
        required.remove("data")
    about = {"title": type_, "description": _described(TYPES[key]), "examples": examples_of(type_)}
    return {"$schema": DIALECT} | schema | about


def data_schema_of(type_: str) -> Schema:
    """JSON Schema of ``type_``'s data alone, with its version: what is published and compared."""
    key = _key(type_)
    about = {"title": key, "version": TYPES[key].version, "description": _described(TYPES[key])}
    return {"$schema": DIALECT} | _data_schema(key) | about


def envelope_schema() -> Schema:
    """JSON Schema of the envelope around any data."""
    return {"$schema": DIALECT} | _generated(Posted[Free]) | {"title": "envelope", "version": 1}


def examples_of(type_: str) -> list[dict[str, Any]]:
    """Events of ``type_`` as they are posted; at least one."""
    file = resources.files("schemas") / "examples" / f"{_key(type_)}.json"
    examples: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return examples


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def _generated(kind: Any) -> Schema:
    schema = json.dumps(TypeAdapter(kind).json_schema(schema_generator=_Untitled))
    # Docstrings mark code as reStructuredText does; readers of JSON Schema expect Markdown.
    found: Schema = json.loads(schema.replace("``", "`"))
    return found


def _data_schema(key: str) -> Schema:
    return _generated(Free if key == Custom.type else TYPES[key])


def _key(type_: str) -> str:
    key = type_ if type_ == Custom.type else key_of(type_)
    if key is None:
        msg = f"no event type {type_!r}"
        raise LookupError(msg)
    return key


def _example_name(type_: str) -> str:
    return "custom.any" if type_ == Custom.type else type_


def _named(type_: str) -> Schema:
    return {"pattern": r"^custom\."} if type_ == Custom.type else {"const": type_}


def _described(cls: type[Any]) -> str:
    return (cls.__doc__ or "").strip()
