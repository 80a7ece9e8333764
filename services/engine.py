"""The engine process: relay, ticker, folds and archive feed over one log and one store.

Started as ``python -m services.engine`` by ``touchline up``, and by ``touchline projector``.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from services import telemetry
from services.addresses import Addresses, find
from services.archive.clickhouse import ClickHouseArchive
from services.archive.feed import ArchiveFeed
from services.clock import SystemClock
from services.commands.relay import relay
from services.commands.ticker import Ticker
from services.errors import NotOurs, Unavailable
from services.fold.apply import Folds
from services.fold.loop import Loop, Step
from services.fold.watch import Watch, WatchedStore
from services.ingest.receive import receive_control
from services.log.open import is_on_kafka, open_log
from services.process import beside, ending, stopped_by_signals
from services.projector.projections import READ_MODELS
from services.settings import Settings, load
from services.store.archive_progress import PostgresProgress
from services.store.lock import FOLDER, TICKER, PostgresLock
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.vault.postgres import PostgresVault

STAND_BY_S: Final = 0.5
"""Between two looks whether the process that folds is gone; each is one small query."""

log = structlog.get_logger()


@contextmanager
def folds(
    addresses: Addresses, *, watch: Watch | None = None, first: Sequence[Step] = ()
) -> Iterator[Loop]:
    """The loop of relay and folds over a platform's log and store.

    ``watch`` sees its turns and batches; each turn begins with the steps that are to be ``first``.
    """
    url, clock = addresses.store.fold, SystemClock()
    with ExitStack() as stack:
        events = stack.enter_context(closing(open_log(addresses.log)))
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        store = stack.enter_context(closing(PostgresStore(url)))
        outbox = stack.enter_context(closing(PostgresOutbox(url)))

        def append(posted: Sequence[tuple[str, bytes]]) -> None:
            receive_control(posted, clock.now(), vault=vault, log=events)

        lock = stack.enter_context(closing(PostgresLock(url, TICKER)))
        ticker = Ticker(lock, lambda workspace, event: append([(workspace, event)]), clock)
        steps = [*first, ticker.tick, lambda: relay(outbox, append)]
        seen = store if watch is None else WatchedStore(store, watch)
        yield Loop(Folds(READ_MODELS, vault), events, seen, steps=steps)


def fold(addresses: Addresses, stop: threading.Event, watch: Watch) -> None:
    """Fold until ``stop`` is set: here, and nowhere else, is chosen what runs the folds.

    Raises ``FoldBug``, and ``NotOurs`` where another process took over.
    """
    if is_on_kafka(addresses.log):
        from services.cluster import fold_a_share  # noqa: PLC0415 - an extra that few install

        fold_a_share(addresses, stop, watch)
    else:
        fold_alone(addresses, stop, watch)


def fold_alone(addresses: Addresses, stop: threading.Event, watch: Watch) -> None:
    """The embedded loop: a second process stands by until the first is gone."""
    with closing(PostgresLock(addresses.store.fold, FOLDER)) as lock:

        def still_ours() -> int:
            if not lock.is_ours():
                raise NotOurs("another process folds now: this one starts anew, to stand by")
            return watch.turn()

        if _our_turn(lock, stop, watch):
            with folds(addresses, watch=watch, first=[still_ours]) as loop:
                log.info("engine.folding")
                loop.run(stop)


def _our_turn(lock: PostgresLock, stop: threading.Event, watch: Watch) -> bool:
    """Wait until this process may fold; False where it was told to stop before."""
    is_told = False
    while not stop.is_set():
        watch.turn()
        try:
            watch.is_active = lock.is_ours()
        except Unavailable as cause:
            log.warning("engine.waiting", cause=str(cause))
        if watch.is_active:
            return True
        if not is_told:
            log.info("engine.standing_by")
            is_told = True
        stop.wait(STAND_BY_S)
    return False


def run(addresses: Addresses, stop: threading.Event, watch: Watch) -> None:
    """Fold and feed the archive until ``stop`` is set; raises as ``fold`` does."""
    with closing(open_log(addresses.log)) as events:
        progress = PostgresProgress(addresses.store.fold)
        feed = ArchiveFeed(events, progress, ClickHouseArchive(addresses.archive))
        log.info("engine.started", partitions=events.partitions)
        with beside(stop, [feed.run]):
            fold(addresses, stop, watch)


def work(settings: Settings, watch: Watch, stop: threading.Event) -> int:
    """Run until ``stop`` is set; the exit code: 1 where folds can't go on, 2 if they never can."""
    return ending("engine", lambda: run(find(settings), stop, watch))


def main() -> int:
    """Run as the environment's settings say, as a process of ``touchline up``."""
    settings = load()
    telemetry.configure("engine", level=settings.log_level, format=settings.log_format)
    return work(settings, Watch(CollectorRegistry()), stopped_by_signals())


if __name__ == "__main__":
    sys.exit(main())
