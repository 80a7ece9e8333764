"""Routes: ``POST /v1/events``, the one that everything upstream can use."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from schemas.problems import Problem
from services.edge.answers import answer, as_fields
from services.edge.auth import Needs
from services.edge.headers import POSITION
from services.edge.keys import Key
from services.edge.trace import note
from services.ingest.door import Door
from services.ingest.examples import EVENT_BODY, EVENT_RESPONSES
from services.ingest.gather import Gather
from services.ingest.receive import Received
from services.ingest.split import split
from services.log.position import encode

THREADS: Final = 64
"""Large requests that may wait for the disk at once: what they brought commits together."""
SMALL_BYTES: Final = 20_000
"""At the worst some twenty milliseconds of work, which the others of a group wait for."""
SMALL_EVENTS: Final = 20


def add_events(routes: APIRouter, door: Door) -> None:
    """Add ``POST /v1/events`` to ``routes``."""
    intake = _Intake(door)

    async def append_events(request: Request) -> Response:
        """Append one event, an array of them, or one a line (NDJSON); gzip is welcome.

        A 2xx is given once the accepted events are durable. A bad event never stops the good ones.
        An event sent again (same `source`, `id` and body) counts as accepted and changes nothing.
        """
        key = await door.gate.admit(request, "append")
        body = await request.body()
        received = await intake.receive(key, body, request.headers.get("content-type", ""))
        note(request.scope, accepted=len(received.accepted), rejected=len(received.rejected))
        return answered(received)

    routes.add_api_route(
        "/v1/events",
        append_events,
        methods=["POST"],
        tags=["ingest"],
        summary="Append events",
        dependencies=[Depends(Needs(door.gate, "append"))],
        responses=EVENT_RESPONSES,
        openapi_extra={"requestBody": EVENT_BODY},
        route_class_override=Direct,
    )


class Direct(APIRoute):
    """A hot route: its endpoint gets the request as it is, what else it declares is documentation.

    Solving dependencies costs a third of a request with one event.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Called by FastAPI, once; the endpoint itself, which must take a request."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


class _Intake:
    """Small requests go together, large ones through a thread each, so that none waits for them."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._gather = Gather(door.receive_each)
        self._threads = anyio.CapacityLimiter(THREADS)

    async def receive(self, key: Key, body: bytes, content_type: str) -> Received:
        """What became of the events in ``body``, once they are durable."""
        if len(body) <= SMALL_BYTES:
            raws = split(body, content_type, limit=self._door.limits.events)
            if len(raws) <= SMALL_EVENTS:
                return await self._gather.receive((key, raws))
        work = partial(self._received, key, body, content_type)
        return await to_thread.run_sync(work, limiter=self._threads)

    def _received(self, key: Key, body: bytes, content_type: str) -> Received:
        return self._door.receive(key, split(body, content_type, limit=self._door.limits.events))


def answered(received: Received) -> Response:
    """200 all accepted, 207 some, 403 none since no key may, 422 none for other reasons."""
    accepted, rejected = received.accepted, received.rejected
    position = encode(received.position)
    content: dict[str, object] = {
        "accepted": len(accepted),
        "position": position,
        "rejected": [_shown(item.index, item.id, item.problem) for item in rejected],
        "warnings": [
            _shown(item.index, item.id, problem) for item in accepted for problem in item.warnings
        ],
    }
    headers = {POSITION: position}
    if not rejected:
        return answer(200, content, headers)
    if accepted:
        return answer(207, content, headers)
    if all(item.reason == "forbidden" for item in rejected):
        return answer(403, as_fields(rejected[0].problem) | content, headers)
    return answer(422, content, headers)


def _shown(index: int, id_: str | None, problem: Problem) -> dict[str, object]:
    return {"index": index, "id": id_, **as_fields(problem)}
