"""The projector and the scorer as services of their own, with probes that look at them."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import structlog
from prometheus_client import CollectorRegistry

from services import telemetry
from services.clock import SystemClock
from services.commands.metrics import DeliveryFigures, OutboxDepth
from services.edge.probes import Finding, answering, measure_process
from services.errors import TouchlineError
from services.fold.watch import Turns, Watch
from services.process import stopped_by_signals
from services.settings import Settings
from services.store.deliveries import Figures
from services.store.outbox import PostgresOutbox
from services.store.postgres_deliveries import PostgresDeliveries

log = structlog.get_logger()
Reach = Callable[[], object]


def project(settings: Settings) -> int:
    """Fold until SIGTERM or SIGINT, observed at the metrics port; gives the exit code.

    ``settings`` name the store, the archive and the master key. Raises ``Conflict`` where the port
    is taken.
    """
    from services.engine import work

    registry = _observed("projector", settings)
    with closing(PostgresOutbox(settings.store_fold_url)) as outbox:
        registry.register(OutboxDepth(outbox.depth))
        watch = Watch(registry)
        with _probed(settings, registry, watch, outbox.depth):
            return work(settings, watch, stopped_by_signals())


def score(settings: Settings) -> int:
    """Score and deliver until SIGTERM or SIGINT; all else as ``project``."""
    from services.scorer import work

    registry = _observed("scoring", settings)
    with closing(PostgresDeliveries(settings.store_fold_url, size=1)) as deliveries:

        def figures() -> Figures:
            return deliveries.figures(SystemClock().now())

        registry.register(DeliveryFigures(figures))
        turns = Turns(registry, of="scoring")
        with _probed(settings, registry, turns, figures):
            return work(settings, turns, stopped_by_signals())


def _observed(name: str, settings: Settings) -> CollectorRegistry:
    telemetry.configure(name, level=settings.log_level, format=settings.log_format)
    registry = CollectorRegistry()
    measure_process(registry)
    return registry


@contextmanager
def _probed(
    settings: Settings, registry: CollectorRegistry, turns: Turns, reach: Reach
) -> Iterator[None]:
    place = settings.host, settings.metrics_port
    with answering(
        place, registry, alive=lambda: alive(turns), ready=lambda: ready(turns, reach)
    ) as port:
        log.info("process.probes", port=port)
        yield


def alive(turns: Turns) -> Finding:
    """Whether the loop goes on; one that waits for a database that is away does."""
    return Finding(
        not turns.is_stuck,
        {
            "status": "stuck" if turns.is_stuck else "alive",
            "work": "working" if turns.is_active else "standing by",
            "turn_age_s": round(turns.age_s(), 3),
        },
    )


def ready(turns: Turns, reach: Reach) -> Finding:
    """Whether it can do its work: the loop goes on, and the store answers."""
    try:
        reach()
    except TouchlineError as error:
        # Its words may name hosts, and anybody may ask here.
        log.warning("not ready", check="store", cause=str(error))
        return Finding(is_good=False, said={"status": "not ready", "checks": {"store": "away"}})
    is_ready = not turns.is_stuck
    checks = {"store": "ready", "loop": "ready" if is_ready else "stuck"}
    return Finding(is_ready, {"status": "ready" if is_ready else "not ready", "checks": checks})
