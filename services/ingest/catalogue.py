"""The catalogue over HTTP: what may be recorded; open to all, since it names no customer."""

from functools import cache

from fastapi import APIRouter, Response

from schemas import TYPES, appendable_by, key_of
from schemas.catalogue import Schema, schema_of
from schemas.custom import PREFIX, Custom
from schemas.explain import near
from services.edge.answers import answer
from services.errors import NotFound

_OWN = f"{PREFIX}<name>"


def add_catalogue(routes: APIRouter) -> None:
    """Add ``GET /v1/schemas`` and ``GET /v1/schemas/{type}`` to ``routes``."""

    @routes.get("/v1/schemas", tags=["ingest"], summary="List event types")
    def list_schemas() -> Response:
        """Every type that may be posted; those of your own are named `custom.<name>`."""
        return answer(200, {"items": _items(), "next_cursor": None})

    @routes.get("/v1/schemas/{type}", tags=["ingest"], summary="Show the schema of an event type")
    def show_schema(type: str) -> Response:
        """The JSON Schema of a whole event of this type, with examples that can be posted."""
        key = key_of(type)
        if key is None or _appender(key) == "control":
            known = near(type, (name for name in TYPES if _appender(name) != "control"))
            meant = f"did you mean {' or '.join(known)}? " if known else ""
            remedy = f"{meant}see GET /v1/schemas"
            raise NotFound("is no type that can be posted", remedy, field="type", value=type[:100])
        return answer(200, _schema(key) | {"title": type})


_schema = cache(schema_of)
"""Generated once a type: the classes don't change while the process runs."""


@cache
def _items() -> list[Schema]:
    return [
        {
            "type": _OWN if kind is Custom else name,
            "version": kind.version,
            "appendable_by": _appender(name),
            "description": (kind.__doc__ or "").strip(),
            "href": f"/v1/schemas/{_OWN if kind is Custom else name}",
        }
        for name, kind in sorted(TYPES.items())
        if _appender(name) != "control"
    ]


def _appender(key: str) -> str:
    return "touchpoint" if key == Custom.type else appendable_by(key)
