"""Metrics of inboxes: what became of their records, how many wait, and whether one stands still."""

from collections.abc import Callable, Iterator

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.errors import TouchlineError

log = structlog.get_logger()


class InboxMetrics(Collector):
    """By topic: counts of this process, and what waits in all of it, read when it is scraped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._read, self._accepted, self._dead = (
            Counter(f"touchline_inbox_{name}_records", means, ("topic",), registry=registry)
            for name, means in (
                ("read", "Records of inboxes that were dealt with, those that came again too."),
                ("accepted", "Of those, events that became durable, repetitions included."),
                ("dead_lettered", "Of those, records that were kept as dead letters."),
            )
        )
        self._stopped = Gauge(
            "touchline_inbox_stopped",
            "1 while what an inbox needs is not there: its key, its brokers, the log or the store.",
            ("topic",),
            registry=registry,
        )
        self._waiting: dict[str, Callable[[], int]] = {}
        registry.register(self)

    def watch(self, topic: str, waiting: Callable[[], int]) -> None:
        """Have ``waiting`` say how many records nobody is done with, from whoever scrapes."""
        self._stopped.labels(topic).set(0)
        for counter in (self._read, self._accepted, self._dead):
            counter.labels(topic)
        self._waiting[topic] = waiting

    def took_in(self, topic: str, *, accepted: int, dead_lettered: int) -> None:
        """Count a batch that is durable."""
        self._read.labels(topic).inc(accepted + dead_lettered)
        self._accepted.labels(topic).inc(accepted)
        self._dead.labels(topic).inc(dead_lettered)

    def stands(self, topic: str, *, is_stopped: bool) -> None:
        """Whether the last turn failed."""
        self._stopped.labels(topic).set(is_stopped)

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What waits in each topic; nothing of one whose brokers are away."""
        lag = GaugeMetricFamily(
            "touchline_inbox_lag_records",
            "Records of an inbox that no process has taken in.",
            labels=["topic"],
        )
        for topic, waiting in self._waiting.items():
            try:
                lag.add_metric([topic], waiting())
            except TouchlineError as error:
                log.warning("metrics.incomplete", cause=str(error), topic=topic)
        yield lag
