"""Routes: ``POST /v1/events``, the one that everything upstream can use."""

from functools import partial
from typing import Annotated, Final

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from schemas.problems import Problem
from services.edge.answers import answer, as_fields
from services.edge.auth import Needs
from services.edge.headers import POSITION
from services.edge.keys import Key
from services.edge.trace import note
from services.ingest.accept import Producer
from services.ingest.door import Door
from services.ingest.examples import EVENT_BODY, EVENT_RESPONSES
from services.ingest.receive import Received, receive
from services.ingest.split import split
from services.log.position import encode

THREADS: Final = 64
"""Appends that may wait for the disk at once: what they brought meanwhile commits together."""


def router(door: Door) -> APIRouter:
    """The routes that take events in our own form."""
    routes = APIRouter(tags=["ingest"])
    threads = anyio.CapacityLimiter(THREADS)

    @routes.post(
        "/v1/events",
        summary="Append events",
        responses=EVENT_RESPONSES,
        openapi_extra={"requestBody": EVENT_BODY},
    )
    async def post_events(
        request: Request, key: Annotated[Key, Depends(Needs(door.gate, "append"))]
    ) -> Response:
        """Append one event, an array of them, or one a line (NDJSON); gzip is welcome.

        A 2xx is given once the accepted events are durable. A bad event never stops the good ones.
        An event sent again (same `source`, `id` and body) counts as accepted and changes nothing.
        """
        body = await request.body()
        content_type = request.headers.get("content-type", "")
        work = partial(_receive, door, key, body, content_type)
        received = await to_thread.run_sync(work, limiter=threads)
        note(request.scope, accepted=len(received.accepted), rejected=len(received.rejected))
        return answered(received)

    return routes


def _receive(door: Door, key: Key, body: bytes, content_type: str) -> Received:
    raws = split(body, content_type, limit=door.limits.events)
    producer = Producer(key.workspace, key.kind, key.key_id, key.region)
    received = receive(raws, producer, door.clock.now(), vault=door.vault, log=door.log)
    door.metrics.count(received)
    return received


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
