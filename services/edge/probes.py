"""Probes: ``/healthz``, ``/readyz`` and ``/metrics`` of a process that serves nothing else."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import Final, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from services.errors import Conflict

JSON: Final = "application/json"
PATIENCE_S: Final = 10
"""Who connects and asks nothing holds a thread no longer."""


class Finding(NamedTuple):
    """What a probe found: 200 or 503, and why."""

    is_good: bool
    said: Mapping[str, object]


Probe = Callable[[], Finding]


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    media_type: str
    body: bytes


@contextmanager
def answering(
    place: tuple[str, int], registry: CollectorRegistry, *, alive: Probe, ready: Probe
) -> Iterator[int]:
    """Answer at ``place`` for the time of the block; gives the port, chosen where it is 0.

    Raises ``Conflict`` where that can't be listened on.
    """
    host, port = place

    def metrics() -> Answer:
        return Answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))

    routes: Mapping[str, Callable[[], Answer]] = {
        "/healthz": lambda: _told(alive()),
        "/readyz": lambda: _told(ready()),
        "/metrics": metrics,
    }
    try:
        server = _Server(place, routes)
    except OSError as cause:
        raise Conflict(
            f"{host}:{port} can't be listened on ({cause.strerror or cause})",
            "stop what listens there, or name another with --metrics-port or "
            "TOUCHLINE_METRICS_PORT",
        ) from cause
    thread = threading.Thread(target=server.serve_forever, name="probes", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def measure_process(registry: CollectorRegistry) -> None:
    """Have ``registry`` tell of this process: memory, time, files, garbage."""
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)


def _told(finding: Finding) -> Answer:
    return Answer(200 if finding.is_good else 503, JSON, json.dumps(finding.said).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], routes: Mapping[str, Callable[[], Answer]]) -> None:
        self.routes = routes
        self.address_family = AF_INET6 if ":" in place[0] else AF_INET
        super().__init__(place, _Handler)

    def handle_error(self, *_: object) -> None:
        """Who asked has gone: nobody is left to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        answer = self.server.routes.get(self.path.partition("?")[0], _unknown)()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """A probe every few seconds is no news."""


def _unknown() -> Answer:
    said = {"problem": "there is nothing here", "remedy": "ask /healthz, /readyz or /metrics"}
    return Answer(404, JSON, json.dumps(said).encode())
