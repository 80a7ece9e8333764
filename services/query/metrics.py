"""Metrics: the account of all records and how far reads are behind, read when they are scraped."""

from collections.abc import Iterator
from typing import Final

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.errors import TouchlineError
from services.log.port import Position
from services.query.desk import Desk
from services.query.status import PartitionStatus, counts, partitions

COUNTED: Final = {
    "accepted": "Records in the log.",
    "applied": "Records folded.",
    "duplicate": "Records that were recorded before.",
    "dead_lettered": "Records kept as dead letters.",
}

log = structlog.get_logger()


class Account(Collector):
    """What ``/v1/status`` says, all workspaces together; labels are the log's partitions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Nothing while store or log are away: no figure is better than a wrong one."""
        desk = self._desk
        try:
            rows, fed = counts(desk.reader), desk.reader.archived()
            # Asked after the checkpoints: nothing is in flight below zero.
            ends = desk.log.ends()
            lags_s = {"fold": desk.folded.measure(), "archive": desk.archived.measure()}
        except TouchlineError as error:
            log.warning("metrics.incomplete", cause=str(error))
            return
        yield from _accounted(partitions(rows, ends))
        yield _by_partition(
            "touchline_archive_in_flight_records",
            "Records whose outcome the archive does not hold yet.",
            {partition: max(0, end - fed.get(partition, 0)) for partition, end in ends.items()},
        )
        yield GaugeMetricFamily(
            "touchline_fold_lag_seconds",
            "Age of the oldest record not folded.",
            value=lags_s["fold"],
        )
        yield GaugeMetricFamily(
            "touchline_archive_lag_seconds",
            "Age of the oldest record that the archive was not fed.",
            value=lags_s["archive"],
        )


def _accounted(account: list[PartitionStatus]) -> Iterator[Metric]:
    for name, help_ in COUNTED.items():
        counted = CounterMetricFamily(f"touchline_{name}_records", help_, labels=["partition"])
        for row in account:
            counted.add_metric([str(row.partition)], getattr(row, name))
        yield counted
    waiting = {row.partition: row.in_flight for row in account}
    yield _by_partition("touchline_in_flight_records", "Records not folded yet.", waiting)


def _by_partition(name: str, help_: str, values: Position) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_, labels=["partition"])
    for partition, value in values.items():
        gauge.add_metric([str(partition)], value)
    return gauge
