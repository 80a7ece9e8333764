"""Metrics of what was decided: what is not in the log yet, or not with those who wait for it.

Read when they are scraped.
"""

from collections.abc import Callable, Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.errors import TouchlineError
from services.store.deliveries import Figures

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


class DeliveryFigures(Collector):
    """What waits for targets, was tried in vain or given up, and for how long the oldest waits."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        """``figures`` is called from whatever thread scrapes."""
        self._figures = figures

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Nothing while the store is away."""
        try:
            found = self._figures()
        except TouchlineError as error:
            log.warning("metrics.incomplete", cause=str(error))
            return
        for name, value, means in (
            ("waiting", found.waiting, "Decisions that a target has not taken yet."),
            ("failing", found.failing, "Of those, how many were tried in vain."),
            ("dead_lettered", found.dead, "Decisions that a target did not take in three days."),
            ("oldest_seconds", found.oldest_s, "Age of the oldest that an enabled target awaits."),
            ("behind_records", found.behind, "Folded records not looked through for decisions."),
        ):
            yield GaugeMetricFamily(f"touchline_deliveries_{name}", means, value=value)
