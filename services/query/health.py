"""Health: whether the process lives, whether it can serve, and figures for Prometheus."""

from collections.abc import Callable, Iterator
from typing import Final

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from services.edge.answers import answer
from services.errors import TouchlineError, Unavailable
from services.query.desk import Desk
from services.query.status import counts, partitions

PATIENCE_S: Final = 2.0
"""Who asks whether we are ready has other things to do."""
NOBODY: Final = "0" * 32

log = structlog.get_logger()


def router(desk: Desk, registry: CollectorRegistry) -> APIRouter:
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
        needed = {"store": desk.reader.applied, "log": desk.log.ends}
        asked = needed | {"archive": lambda: desk.timelines.touches("", [NOBODY])}
        found: dict[str, str] = {}

        async def look(name: str, ask: Callable[[], object]) -> None:
            found[name] = await _outcome(name, ask, threads)

        async with anyio.create_task_group() as group:
            for name, ask in asked.items():
                group.start_soon(look, name, ask)
        is_ready = all(found[name] == "ready" for name in needed)
        content = {"status": "ready" if is_ready else "not ready", "checks": found}
        return answer(200 if is_ready else 503, content, {"Cache-Control": "no-store"})

    @routes.get("/metrics", summary="Show figures for Prometheus")
    async def show_metrics() -> Response:
        """Text that Prometheus scrapes."""
        text = await to_thread.run_sync(generate_latest, registry, limiter=threads)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes


def measure(desk: Desk, registry: CollectorRegistry) -> None:
    """Have ``registry`` tell of the records' account, and of this process."""
    registry.register(Account(desk))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)


class Account(Collector):
    """The account of all records, read when it is asked for; labels are the log's partitions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What ``/v1/status`` says, all workspaces together; nothing while the store is away."""
        try:
            rows = counts(self._desk.reader)
            account = partitions(rows, self._desk.log.ends())
            lag_s = self._desk.folded.measure()
        except Unavailable as error:
            log.warning("metrics.incomplete", cause=str(error))
            return
        for name, help_ in _COUNTED.items():
            counted = CounterMetricFamily(f"touchline_{name}_records", help_, labels=["partition"])
            for row in account:
                counted.add_metric([str(row.partition)], getattr(row, name))
            yield counted
        waiting = GaugeMetricFamily(
            "touchline_in_flight_records", "Records not folded yet.", labels=["partition"]
        )
        for row in account:
            waiting.add_metric([str(row.partition)], row.in_flight)
        yield waiting
        yield GaugeMetricFamily(
            "touchline_fold_lag_seconds", "Age of the oldest record not folded.", value=lag_s
        )


_COUNTED: Final = {
    "accepted": "Records in the log.",
    "applied": "Records folded.",
    "duplicate": "Records that were recorded before.",
    "dead_lettered": "Records kept as dead letters.",
}


async def _outcome(name: str, ask: Callable[[], object], threads: anyio.CapacityLimiter) -> str:
    with anyio.move_on_after(PATIENCE_S):
        try:
            await to_thread.run_sync(ask, limiter=threads, abandon_on_cancel=True)
        except TouchlineError as error:
            # Its words may name hosts, and anybody may ask here.
            log.warning("not ready", check=name, cause=str(error))
            return "away"
        return "ready"
    return "slow"
