"""The engine process: relay, folds and archive feed of the embedded runtime.

Started as ``python -m services.engine``.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from types import FrameType
from typing import Final

import structlog

from services import telemetry
from services.addresses import Addresses, find
from services.archive.clickhouse import ClickHouseArchive
from services.archive.feed import ArchiveFeed
from services.clock import SystemClock
from services.commands.relay import relay
from services.commands.ticker import Ticker
from services.errors import Misconfigured, TouchlineError
from services.fold.apply import Folds
from services.fold.garbage import collecting_rarely
from services.fold.loop import FoldBug, Loop
from services.ingest.receive import receive_control
from services.log.open import open_log
from services.projector.projections import READ_MODELS
from services.settings import load
from services.store.archive_progress import PostgresProgress
from services.store.lock import TICKER, PostgresLock
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.vault.postgres import PostgresVault

WRONG_USE: Final = 2
"""The exit code by which the supervisor knows that starting again is in vain."""

log = structlog.get_logger()


@contextmanager
def folds(addresses: Addresses) -> Iterator[Loop]:
    """The loop of relay and folds over a platform's log and store."""
    url, clock = addresses.store.fold, SystemClock()
    with ExitStack() as stack:
        stack.enter_context(collecting_rarely())
        events = stack.enter_context(closing(open_log(addresses.log)))
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        store = stack.enter_context(closing(PostgresStore(url)))
        outbox = stack.enter_context(closing(PostgresOutbox(url)))

        def append(posted: Sequence[tuple[str, bytes]]) -> None:
            receive_control(posted, clock.now(), vault=vault, log=events)

        lock = stack.enter_context(closing(PostgresLock(url, TICKER)))
        ticker = Ticker(lock, lambda workspace, event: append([(workspace, event)]), clock)
        steps = [ticker.tick, lambda: relay(outbox, append)]
        yield Loop(Folds(READ_MODELS, vault), events, store, steps=steps)


def run(addresses: Addresses, stop: threading.Event) -> None:
    """Fold and archive until ``stop`` is set; raises ``FoldBug`` where an event can't be folded."""
    with closing(open_log(addresses.log)) as events, folds(addresses) as loop:
        progress = PostgresProgress(addresses.store.fold)
        feed = ArchiveFeed(events, progress, ClickHouseArchive(addresses.archive))
        with ThreadPoolExecutor(1, thread_name_prefix="archive-feed") as threads:
            feeding = threads.submit(feed.run, stop)
            # A feed that ended by a bug ends the engine: it starts anew, and somebody sees it.
            feeding.add_done_callback(lambda _: stop.set())
            log.info("engine.started", partitions=events.partitions)
            try:
                loop.run(stop)
            finally:
                stop.set()
            feeding.result(timeout=10)


def main() -> int:
    """Run as the environment's settings say; 1 where folds can't go on, 2 if they never can."""
    settings = load()
    telemetry.configure("engine", level=settings.log_level, format=settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopping(stop))
    try:
        run(find(settings), stop)
    except FoldBug as bug:
        log.critical("engine.stopped", problem=str(bug), exc_info=bug.__cause__)
        return 1
    except Misconfigured as error:
        log.critical("engine.refused", problem=str(error))
        return WRONG_USE
    except TouchlineError as error:
        log.critical("engine.failed", problem=str(error))
        return 1
    return 0


def _stopping(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: stop.set()


if __name__ == "__main__":
    sys.exit(main())
