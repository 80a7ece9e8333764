"""An answer without end, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any, Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PATIENCE_S: Final = 10.0
"""For one piece to be taken in."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    # Proxies that gather answers would keep events back.
    "X-Accel-Buffering": "no",
}
Pieces = AsyncGenerator[bytes, None]
Opening = Callable[[], AbstractAsyncContextManager[Pieces]]


class EventStream(Response):
    """Sends what ``opening`` gives, until that ends, the client leaves or takes nothing in.

    What ``opening`` raises as it is entered is answered like any other error.
    """

    media_type = "text/event-stream"

    def __init__(self, opening: Opening) -> None:
        super().__init__(headers=HEADERS)
        # No length is known.
        del self.headers["content-length"]
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with (
            self._opening() as pieces,
            aclosing(pieces),
            anyio.create_task_group() as group,
        ):

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await self._send(pieces, send)
            group.cancel_scope.cancel()

    async def _send(self, pieces: Pieces, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        body: dict[str, Any] = {"type": "http.response.body", "more_body": True}
        # Who takes nothing in is left without an end: there is nobody to tell.
        with suppress(TimeoutError):
            async for piece in pieces:
                async with asyncio.timeout(PATIENCE_S):
                    await send(body | {"body": piece})
            async with asyncio.timeout(PATIENCE_S):
                await send(body | {"body": b"", "more_body": False})
