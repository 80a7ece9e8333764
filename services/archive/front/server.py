"""The listening side of the front: threads over one engine, on an address of this machine."""

import socket
import threading
from http.server import ThreadingHTTPServer
from typing import Final

from services.archive.front.engine import Engine
from services.archive.front.handler import Handler
from services.archive.front.request import Credentials

_CONNECTIONS: Final = 128
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Front(ThreadingHTTPServer):
    """One thread a connection, at most ``_CONNECTIONS``; who comes after is to come again."""

    daemon_threads = True
    request_queue_size = _CONNECTIONS

    def __init__(self, address: tuple[str, int], engine: Engine, credentials: Credentials) -> None:
        kind = type("Bound", (Handler,), {"engine": engine, "credentials": credentials})
        self._places = threading.Semaphore(_CONNECTIONS)
        super().__init__(address, kind)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        if isinstance(request, socket.socket):
            request.sendall(_FULL)
        self.shutdown_request(request)

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()
