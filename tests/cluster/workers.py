"""Workers for tests: real processes that fold their share, and may feed the archive."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
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
from services.projector.lookout import STALLED_S
from services.store.archive_progress import PostgresProgress
from tests.cluster.kept import Kept
from tests.jumping import JumpingClock

SESSION_S: Final = 2.0
"""Less than Kafka allows as it comes, and this run's broker allows it."""


@dataclass(frozen=True, slots=True)
class How:
    """How a worker differs from those of ``services.engine``."""

    session_s: float = SESSION_S
    stalled_s: float = STALLED_S
    jumps: int | None = None
    """The seed of a clock that jumps."""


def fold(addresses: Addresses, how: How) -> None:
    """What a worker's process does."""
    telemetry.configure("worker", format="json")
    watch, stop = Watch(CollectorRegistry()), stopped_by_signals()
    with ExitStack() as stack:
        if addresses.archive.url:
            events = stack.enter_context(closing(open_log(addresses.log)))
            archive = ClickHouseArchive(addresses.archive)
            feed = ArchiveFeed(events, PostgresProgress(addresses.store.fold), archive)
            stack.enter_context(beside(stop, [feed.run]))
        cluster.fold_a_share(
            addresses,
            stop,
            watch,
            session_s=how.session_s,
            stalled_s=how.stalled_s,
            clock=cluster.SYSTEM if how.jumps is None else JumpingClock(how.jumps),
        )


USUAL: Final = How()
Work = Callable[[Addresses, How], None]


class Worker(Kept):
    """One of a group: as an orchestrator keeps it, until it is told to end."""

    def __init__(
        self, addresses: Addresses, said: Path, how: How = USUAL, *, work: Work = fold
    ) -> None:
        super().__init__(work, said, addresses, how)

    @property
    def shares(self) -> int:
        """How often it was given one."""
        return self.said.count("projector.took_over")
