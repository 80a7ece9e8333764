"""Metrics of commands: what was decided and is not in the log yet, read when it is scraped."""

from collections.abc import Callable, Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.errors import TouchlineError

log = structlog.get_logger()


class OutboxDepth(Collector):
    """How many rows of the outbox wait for the relay, and for how long the oldest does."""

    def __init__(self, depth: Callable[[], tuple[int, float]]) -> None:
        """``depth`` gives rows and seconds; it is called from whatever thread scrapes."""
        self._depth = depth

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Nothing while the store is away."""
        try:
            rows, oldest_s = self._depth()
        except TouchlineError as error:
            log.warning("metrics.incomplete", cause=str(error))
            return
        yield GaugeMetricFamily(
            "touchline_outbox_rows", "Decisions that are not in the log yet.", value=rows
        )
        yield GaugeMetricFamily(
            "touchline_outbox_oldest_seconds",
            "Age of the oldest decision that is not in the log yet.",
            value=oldest_s,
        )
