"""Workers for tests: real processes that fold their share, and may feed the archive."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services import cluster, telemetry
from services.addresses import Addresses
from services.archive.clickhouse import ClickHouseArchive
from services.archive.feed import ArchiveFeed
from services.fold.watch import Watch
from services.log.open import open_log
from services.process import beside, stopped_by_signals
from services.store.archive_progress import PostgresProgress
from tests.cluster.kept import Kept

SESSION_S: Final = 2.0
"""Less than Kafka allows as it comes, and this run's broker allows it."""


def fold(addresses: Addresses, session_s: float) -> None:
    """What a worker's process does: as ``services.engine`` has it, with a shorter session."""
    telemetry.configure("worker", format="json")
    watch, stop = Watch(CollectorRegistry()), stopped_by_signals()
    with ExitStack() as stack:
        if addresses.archive:
            events = stack.enter_context(closing(open_log(addresses.log)))
            archive = ClickHouseArchive(addresses.archive)
            feed = ArchiveFeed(events, PostgresProgress(addresses.store.fold), archive)
            stack.enter_context(beside(stop, [feed.run]))
        cluster.fold_a_share(addresses, stop, watch, session_s=session_s)


class Worker(Kept):
    """One of a group: as an orchestrator keeps it, until it is told to end."""

    def __init__(self, addresses: Addresses, said: Path, *, session_s: float = SESSION_S) -> None:
        super().__init__(fold, said, addresses, session_s)

    @property
    def shares(self) -> int:
        """How often it was given one."""
        return self.said.count("projector.took_over")
