"""Compose: the one call that gives a FastAPI application the edge that both services share."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from services.edge.answers import handle_errors
from services.edge.body import BodyGuard
from services.edge.limits import Limits
from services.edge.position import HEADER, WAIT_FOR
from services.edge.trace import RequestMetrics, Trace


def with_edge(app: FastAPI, limits: Limits, registry: CollectorRegistry) -> FastAPI:
    """Errors in one shape, bodies guarded, requests logged and measured; every origin may send keys.

    Any origin may, since a key and never a cookie says who calls: a browser key is public as it is.
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
            WAIT_FOR,
        ],
        expose_headers=[HEADER, "Touchline-Lag", "Retry-After"],
        max_age=600,
    )
    app.add_middleware(Trace, metrics=RequestMetrics(registry))
    return app
