"""The server: one application on one port until it is told to stop."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

GRACE_S: Final = 10
"""For requests in hand when we are told to stop: as long as the longest wait."""


def serve(app: FastAPI, host: str, port: int) -> None:
    """Answer requests until SIGTERM or SIGINT; those in hand are finished.

    ``app.state.stopping``, where there is one, is called first: it ends what would go on by itself.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        # Our own lines say the same without addresses, see trace.py.
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    with suppress(KeyboardInterrupt):
        Server(config, getattr(app.state, "stopping", _nothing)).run()


class Server(uvicorn.Server):
    """Ends streams as it stops: they would else be waited for as long as any request may take."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn says."""
        self._stopping()
        await super().shutdown(sockets)


def _nothing() -> None:
    """An application without streams."""
