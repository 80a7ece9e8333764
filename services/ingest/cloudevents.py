"""CloudEvents over HTTP: ``POST /v1/cloudevents``, binary, structured and batched."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from schemas.problems import Problem
from services.edge.auth import Needs
from services.edge.trace import note
from services.errors import Unsupported
from services.ingest.door import Door
from services.ingest.examples import EVENT_RESPONSES
from services.ingest.routes import THREADS, Direct, answered
from services.ingest.sources.cloudevents import BATCHED, STRUCTURED, binary, posted, structured
from services.ingest.sources.mapped import Mapped
from services.ingest.split import split

_PREFIX: Final = "ce-"
_VERSION: Final = "ce-specversion"
_JSON: Final = "application/json"
_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "o-1002",
    "source": "shop",
    "type": "purchase.completed",
    "time": "2026-11-21T10:00:00Z",
    "subject": "user:42",
    "data": {"order_id": "1002", "amount_minor": 1250, "currency": "EUR"},
}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        f"{STRUCTURED}+json": {"schema": {"type": "object"}, "example": _EXAMPLE},
        f"{BATCHED}+json": {
            "schema": {"type": "array", "items": {"type": "object"}},
            "example": [_EXAMPLE],
        },
    },
}


def add_cloudevents(routes: APIRouter, door: Door) -> None:
    """Add ``POST /v1/cloudevents`` to ``routes``."""
    threads = anyio.CapacityLimiter(THREADS)

    async def append_cloudevents(request: Request) -> Response:
        """Append CloudEvents 1.0: one in headers and body, one as JSON, or an array of them.

        Identifiers are the attribute `identifiers` (`user:42,email:ada@example.org`), the data's
        member of that name, or a `subject` like `user:42`; `personal` may be a member of the data
        too. Types that the catalogue does not know are recorded as `custom.<type>`. Answers are
        those of `/v1/events`.
        """
        key = await door.gate.admit(request, "append")
        body = await request.body()

        def work() -> Response:
            events = events_of(request.headers, body, door.limits.events)
            received = door.receive_mapped(key, events)
            note(request.scope, accepted=len(received.accepted), rejected=len(received.rejected))
            return answered(received)

        return await to_thread.run_sync(work, limiter=threads)

    routes.add_api_route(
        "/v1/cloudevents",
        append_cloudevents,
        methods=["POST"],
        tags=["ingest"],
        summary="Append CloudEvents",
        dependencies=[Depends(Needs(door.gate, "append"))],
        responses=EVENT_RESPONSES,
        openapi_extra={"requestBody": _BODY},
        route_class_override=Direct,
    )


def events_of(headers: Mapping[str, str], body: bytes, limit: int) -> Sequence[Mapped]:
    """The events of a request; raises ``Unsupported`` and what ``split`` raises."""
    content_type = headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in {f"{STRUCTURED}+json", f"{BATCHED}+json"}:
        return [_structured(bytes(raw)) for raw in split(body, _JSON, limit=limit)]
    if kind.startswith(STRUCTURED):
        raise _unread(content_type)
    if _VERSION in headers:
        # Values are percent-encoded, as the binding says in 3.1.3.2.
        attributes = {
            name.removeprefix(_PREFIX): unquote(value.strip('"'))
            for name, value in headers.items()
            if name.startswith(_PREFIX)
        }
        if content_type:
            attributes["datacontenttype"] = content_type
        return [posted(binary(attributes, body))]
    if kind not in {_JSON, ""}:
        raise _unread(content_type)
    return [_structured(bytes(raw)) for raw in split(body, _JSON, limit=limit)]


def _structured(raw: bytes) -> Mapped:
    found = structured(raw)
    return Mapped(raw, found) if isinstance(found, Problem) else posted(found)


def _unread(content_type: str) -> Unsupported:
    return Unsupported(
        "is no CloudEvent that we read",
        f"send {STRUCTURED}+json, {BATCHED}+json, or attributes in ce- headers",
        field="Content-Type",
        value=content_type[:100],
    )
