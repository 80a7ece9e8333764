"""Decisions as they are taken: server-sent events that a client resumes where it stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, Literal, get_args

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.edge.auth import Needs
from services.edge.keys import Key
from services.errors import Limited, Refused, Timeout, Unavailable
from services.log.port import Position
from services.log.position import decode, encode
from services.query.decided import Decision
from services.query.desk import Desk, responses
from services.query.event_stream import EventStream, Pieces
from services.query.feed import Subscription

LAST: Final = "Last-Event-ID"
HEARTBEAT_S: Final = 15.0
"""Shorter than the silence after which proxies hang up."""
NEAR: Final = 2_000
"""Records: the last few are read while what is new waits already."""
RETRY_MS: Final = 1_000
Type = Literal[
    "lifecycle.changed",
    "tier.changed",
    "points.expiring",
    "alert.raised",
    "alert.acknowledged",
    "alert.closed",
]
LastEventId = Annotated[
    str | None,
    Header(alias=LAST, description="The last `id` received: goes on after it, however old"),
]


class Asked(BaseModel):
    """What can be asked of the stream."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    type: Annotated[list[Type], Field(max_length=len(get_args(Type)))] = []
    """Only decisions of these types; may be repeated."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/decisions/stream``."""
    routes = APIRouter(tags=["decisions"])

    @routes.get(
        "/v1/decisions/stream",
        summary="Hear of decisions as they are taken",
        responses=documented(),
        response_class=Response,
    )
    async def stream_decisions(
        request: Request,
        key: Annotated[Key, Depends(Needs(desk.gate, "read"))],
        asked: Annotated[Asked, Query()],
        last: LastEventId = None,
    ) -> Response:
        """Stages and tiers that changed, points that will expire, alerts, once the rows say so too.

        Each once, but for what an import or new rules brought out of the past, which is history.
        Begins now, or after the last `id`. A client that reads too slowly is cut off: it connects
        again with that `id`, and nothing is missing.
        """
        return await streamed(desk, request, key, types=frozenset(asked.type), last=last)

    return routes


async def streamed(
    desk: Desk, request: Request, key: Key, *, types: frozenset[str], last: str | None
) -> Response:
    """Decisions of these types, or of all; from now on, or after ``last``."""
    begin = await to_thread.run_sync(_begin, desk, last) if last else None
    subscription = Subscription(key.workspace, types, asyncio.get_running_loop())
    stream = Stream(desk, request, subscription, begin)
    return EventStream(lambda: stream.opened(key.key_id))


class Stream:
    """What one client is sent."""

    def __init__(
        self, desk: Desk, request: Request, subscription: Subscription, begin: Position | None
    ) -> None:
        self._desk, self._request = desk, request
        self._subscription, self._begin = subscription, begin

    @asynccontextmanager
    async def opened(self, key_id: str) -> AsyncIterator[Pieces]:
        """The pieces, as long as the block lasts; raises ``Limited`` and ``Unavailable``."""
        feed = self._desk.feed
        with feed.place(key_id):
            if self._begin is None:
                await self._thread(feed.enter, self._subscription)
            try:
                yield self._pieces()
            finally:
                feed.leave(self._subscription)

    async def _pieces(self) -> Pieces:
        subscription = self._subscription
        yield f"retry: {RETRY_MS}\n".encode()
        try:
            if self._begin is not None:
                async for piece in self._older(self._begin):
                    yield piece
            yield _place(subscription.position)
            while not subscription.is_over:
                await subscription.news(HEARTBEAT_S)
                is_quiet = not subscription.waiting
                while subscription.waiting:
                    yield _told(subscription.waiting.popleft())
                if is_quiet and not subscription.is_over:
                    if not await self._may_go_on():
                        return
                    yield _place(subscription.position)
        except (Unavailable, Timeout):
            # The answer began: its end says that something is amiss, and the client comes back.
            return

    async def _older(self, position: Position) -> AsyncIterator[bytes]:
        """All up to where what is new waits."""
        feed, subscription = self._desk.feed, self._subscription
        is_near = False
        while not is_near:
            end = await self._thread(feed.reached)
            is_near = _distance(position, end) <= NEAR
            if is_near:
                end = await self._thread(feed.enter, subscription)
            pieces = feed.between(subscription.workspace, position, end)
            while piece := await self._thread(next, pieces, None):
                found, position = piece
                for one in found:
                    if subscription.wants(one):
                        yield _told(one)

    async def _may_go_on(self) -> bool:
        """Whether the key is in force still."""
        try:
            await self._desk.gate.admit(self._request, "read")
        except Limited:
            return True
        except Refused:
            return False
        return True

    async def _thread(self, work: Any, *arguments: Any) -> Any:
        return await to_thread.run_sync(work, *arguments, limiter=self._desk.slow_threads)


def _begin(desk: Desk, last: str) -> Position:
    """Where to go on; raises ``Refused`` for what is no place in this log."""
    named, ends = decode(last, field=LAST), desk.log.ends()
    if any(offset > ends.get(partition, -1) for partition, offset in named.items()):
        raise Refused(
            "is ahead of this log, or of another one",
            "leave it out to begin now",
            field=LAST,
            value=last[:80],
        )
    # What it does not name begins now, as of a Touchline-Position that a write answered.
    return {**ends, **named}


def _distance(begin: Position, end: Position) -> int:
    return sum(max(0, offset - begin.get(partition, 0)) for partition, offset in end.items())


def _told(one: Decision) -> bytes:
    head = f"id: {encode(one.position)}\nevent: {one.type}\ndata: ".encode()
    return b"%b%b\n\n" % (head, one.body)


def _place(position: Position) -> bytes:
    """An id without an event: a client remembers it, and shows nothing."""
    return f"id: {encode(position)}\n\n".encode()


def documented() -> dict[int | str, dict[str, Any]]:
    """What /docs says of a stream."""
    return responses(str, "") | {
        200: {
            "description": "Server-sent events, without end. Each has `event` (its type), `data` "
            "(JSON: id, type, occurred_at, recorded_at, customer_id, cause, data) and `id` (where "
            "to resume). In quiet times an `id` comes alone, every 15 s.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    }
