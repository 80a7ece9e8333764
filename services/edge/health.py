"""Health: whether the process lives, whether it can serve, and figures for Prometheus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from services.edge.answers import answer
from services.errors import TouchlineError

PATIENCE_S: Final = 2.0
"""Who asks whether we are ready has other things to do."""

Check = Callable[[], object]
"""Returns where something can be reached, and raises one of our errors where it can't."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checks:
    """What readiness looks at, by name."""

    needed: Mapping[str, Check]
    """Without these no request can be served."""
    told: Mapping[str, Check] = field(default_factory=dict)
    """Said, and no reason to send requests elsewhere."""


def router(checks: Checks, registry: CollectorRegistry) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``: open to all, since they name nobody."""
    routes = APIRouter(tags=["operation"])
    threads = anyio.CapacityLimiter(4)

    @routes.get("/healthz", summary="Say that the process lives")
    async def show_health() -> Response:
        """200 as long as it answers at all."""
        return answer(200, {"status": "alive"})

    @routes.get(
        "/readyz",
        summary="Say whether requests can be served",
        responses={503: {"description": "Store or log is away, or was never migrated."}},
    )
    async def show_readiness() -> Response:
        """200 with store and log; the archive is told of, and only timelines need it."""
        found: dict[str, str] = {}

        async def look(name: str, ask: Check) -> None:
            found[name] = await _outcome(name, ask, threads)

        async with anyio.create_task_group() as group:
            for name, ask in {**checks.needed, **checks.told}.items():
                group.start_soon(look, name, ask)
        is_ready = all(found[name] == "ready" for name in checks.needed)
        content = {"status": "ready" if is_ready else "not ready", "checks": found}
        return answer(200 if is_ready else 503, content, {"Cache-Control": "no-store"})

    @routes.get("/metrics", summary="Show figures for Prometheus")
    async def show_metrics() -> Response:
        """Text that Prometheus scrapes."""
        text = await to_thread.run_sync(generate_latest, registry, limiter=threads)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes


async def _outcome(name: str, ask: Check, threads: anyio.CapacityLimiter) -> str:
    with anyio.move_on_after(PATIENCE_S):
        try:
            await to_thread.run_sync(ask, limiter=threads, abandon_on_cancel=True)
        except TouchlineError as error:
            # Its words may name hosts, and anybody may ask here.
            log.warning("not ready", check=name, cause=str(error))
            return "away"
        return "ready"
    return "slow"
