"""The projector as a process of its own: the engine, and probes that look at it."""

from contextlib import ExitStack, closing

import structlog
from prometheus_client import CollectorRegistry

from services import telemetry
from services.clock import SystemClock
from services.commands.metrics import DeliveryFigures, OutboxDepth
from services.edge.probes import Finding, answering, measure_process
from services.engine import stopped_by_signals, work
from services.errors import TouchlineError
from services.fold.watch import Watch
from services.settings import Settings
from services.store.outbox import PostgresOutbox
from services.store.postgres_deliveries import PostgresDeliveries

log = structlog.get_logger()


def project(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT, observed at the metrics port; gives the exit code.

    ``settings`` name the store, the archive and the master key. Raises ``Conflict`` where the port
    is taken.
    """
    telemetry.configure("projector", level=settings.log_level, format=settings.log_format)
    stop, registry = stopped_by_signals(), CollectorRegistry()
    watch = Watch(registry)
    measure_process(registry)
    with ExitStack() as stack:
        outbox = stack.enter_context(closing(PostgresOutbox(settings.store_fold_url)))
        registry.register(OutboxDepth(outbox.depth))
        deliveries = stack.enter_context(
            closing(PostgresDeliveries(settings.store_fold_url, size=1))
        )
        registry.register(DeliveryFigures(lambda: deliveries.figures(SystemClock().now())))
        place = settings.host, settings.metrics_port
        probes = answering(
            place, registry, alive=lambda: alive(watch), ready=lambda: ready(watch, outbox)
        )
        log.info("projector.probes", port=stack.enter_context(probes))
        return work(settings, watch, stop)


def alive(watch: Watch) -> Finding:
    """Whether the loop goes on; one that waits for a database that is away does."""
    return Finding(
        not watch.is_stuck,
        {
            "status": "stuck" if watch.is_stuck else "alive",
            "work": "folding" if watch.is_active else "standing by",
            "turn_age_s": round(watch.age_s(), 3),
        },
    )


def ready(watch: Watch, outbox: PostgresOutbox) -> Finding:
    """Whether it can do its work: the loop goes on, and the store answers."""
    try:
        outbox.depth()
    except TouchlineError as error:
        # Its words may name hosts, and anybody may ask here.
        log.warning("not ready", check="store", cause=str(error))
        return Finding(is_good=False, said={"status": "not ready", "checks": {"store": "away"}})
    is_ready = not watch.is_stuck
    checks = {"store": "ready", "loop": "ready" if is_ready else "stuck"}
    return Finding(is_ready, {"status": "ready" if is_ready else "not ready", "checks": checks})
