"""Compose: the one call that gives a FastAPI application the edge that both services share."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from services.edge.answers import handle_errors
from services.edge.body import BodyGuard
from services.edge.headers import LAG, POSITION, WAIT_FOR
from services.edge.limits import Limits
from services.edge.trace import RequestMetrics, Trace


def with_edge(app: FastAPI, limits: Limits, registry: CollectorRegistry) -> FastAPI:
    """``app`` with errors in one shape, bodies guarded, requests logged and measured.

    Any origin may call, since a key and never a cookie says who calls.
    """
    handle_errors(app)
    app.add_middleware(BodyGuard, limits=limits)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Content-Encoding",
            "Idempotency-Key",
            "Last-Event-ID",
            WAIT_FOR,
        ],
        expose_headers=[POSITION, LAG, "Retry-After"],
        max_age=600,
    )
    app.add_middleware(Trace, metrics=RequestMetrics(registry))
    return app
