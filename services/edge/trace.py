"""Trace: one log line and one observation a request, without personal data."""

from collections.abc import MutableMapping
from time import perf_counter
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTED: Final = "touchline.noted"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.get_logger()


def note(scope: MutableMapping[str, Any], **fields: str | int) -> None:
    """Add ``fields`` to the request's log line: ids and counts, never what names a person."""
    scope.setdefault(_NOTED, {}).update(fields)


class RequestMetrics:
    """How long requests take, by method, status and route; its template, so labels stay few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration_s = Histogram(
            "touchline_http_request_duration_seconds",
            "Time from a request's first byte to the end of its answer.",
            ("method", "route", "status"),
            registry=registry,
            buckets=_BUCKETS_S,
        )

    def observe(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one request."""
        # Callers may make methods up; labels must stay few.
        known = method if method in _METHODS else "other"
        self._duration_s.labels(known, route, str(status)).observe(duration_s)


class Trace:
    """ASGI middleware, outermost: logs and observes each request once it is answered or crashed."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_s, status = perf_counter(), 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        noted: dict[str, str | int] = scope.setdefault(_NOTED, {})
        try:
            await self.app(scope, receive, watched)
        except Exception:
            status = 500
            raise
        finally:
            duration_s = perf_counter() - started_s
            # The route's template: a path may hold an identifier, which names a person.
            route = getattr(scope.get("route"), "path", "unmatched")
            self.metrics.observe(scope["method"], route, status, duration_s)
            _log.info(
                "request",
                method=scope["method"],
                route=route,
                status=status,
                duration_ms=round(duration_s * 1000, 2),
                **noted,
            )
