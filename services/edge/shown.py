"""Shown: what /docs says of answers and bodies, put together when somebody looks.

To make a schema, pydantic parses the source of each class again, for the words below its fields:
of all routes that is half a second, which no start has to wait for.
"""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter

Model = type[Any]
_LATER: Final = "shown:"
_MODELS: Final[dict[str, Model]] = {}
"""What the references that begin so stand for, until somebody looks."""


def content(model: Model, **more: Any) -> dict[str, Any]:
    """JSON of that class, as an answer or a request body has it; with ``more``, as an example."""
    name = f"{model.__module__}.{model.__qualname__}"
    _MODELS[name] = model
    return {"application/json": {"schema": {"$ref": _LATER + name}, **more}}


class Shown(FastAPI):
    """An application whose description is put together when it is first asked for."""

    def openapi(self) -> dict[str, Any]:
        """All of it; made once."""
        if self.openapi_schema is None:
            _define(super().openapi())
        return self.openapi_schema or {}


def _define(description: dict[str, Any]) -> None:
    """Let ``description`` say what is referred to."""
    references = [one for one in _references(description) if one["$ref"].startswith(_LATER)]
    names = sorted({one["$ref"].removeprefix(_LATER) for one in references})
    schemas, defined = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(_MODELS[name])) for name in names],
        ref_template="#/components/schemas/{model}",
    )
    for one in references:
        schema = schemas[one.pop("$ref").removeprefix(_LATER), "serialization"]
        one.update(schema)
    described = description.setdefault("components", {}).setdefault("schemas", {})
    described.update(defined.get("$defs", {}))


def _references(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
