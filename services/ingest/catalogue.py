"""The catalogue: what may be recorded, as JSON Schema; open to all, since it names no customer."""

from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from schemas import TYPES, appendable_by, key_of
from schemas.custom import Custom
from schemas.envelope import Posted
from schemas.explain import near
from schemas.fields import Free
from services.edge.answers import answer
from services.errors import NotFound

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def router() -> APIRouter:
    """``GET /v1/schemas`` and ``GET /v1/schemas/{type}``."""
    routes = APIRouter(tags=["ingest"])

    @routes.get("/v1/schemas", summary="List event types")
    async def list_schemas() -> Response:
        """Every type that a key may post; types of your own are named `custom.<name>`."""
        return answer(200, {"items": _items(), "next_cursor": None})

    @routes.get("/v1/schemas/{type}", summary="Show the JSON Schema of an event type")
    async def show_schema(type: str) -> Response:
        """The JSON Schema of a whole event of this type, as it is posted."""
        key = key_of(type)
        if key is None or appendable_by(type) == "control":
            known = near(type, (item["type"] for item in _items()))
            remedy = f"did you mean {' or '.join(known)}?" if known else "see GET /v1/schemas"
            raise NotFound("is no type that can be posted", remedy, field="type", value=type[:100])
        return answer(200, _schema(type, TYPES[key]))

    return routes


@cache
def _items() -> list[dict[str, Any]]:
    return [
        {
            "type": type_,
            "version": kind.version,
            "appendable_by": appendable_by(type_),
            "description": (kind.__doc__ or "").strip(),
            "href": f"/v1/schemas/{type_}",
        }
        for type_, kind in sorted(TYPES.items())
        if kind is not Custom and appendable_by(type_) != "control"
    ]


def _schema(type_: str, kind: type[Any]) -> dict[str, Any]:
    schema = _schema_of(kind)
    properties = {**schema["properties"], "type": {**schema["properties"]["type"], "const": type_}}
    return {"$schema": DIALECT, **schema, "title": type_, "properties": properties}


@cache
def _schema_of(kind: type[Any]) -> dict[str, Any]:
    data: Any = Free if kind is Custom else kind
    return TypeAdapter(Posted[data]).json_schema()
