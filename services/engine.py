"""The engine process: relay, folds, archive feed and deliveries over one log and one store.

Started as ``python -m services.engine`` by ``touchline up``, and by ``touchline projector``.
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
from prometheus_client import CollectorRegistry

from services import telemetry
from services.addresses import Addresses, find
from services.archive.clickhouse import ClickHouseArchive
from services.archive.feed import ArchiveFeed
from services.clock import SystemClock
from services.commands.relay import relay
from services.commands.ticker import Ticker
from services.errors import Misconfigured, NotOurs, TouchlineError, Unavailable
from services.fold.apply import Folds
from services.fold.garbage import collecting_rarely
from services.fold.loop import FoldBug, Loop, Step
from services.fold.watch import Watch, WatchedStore
from services.ingest.receive import receive_control
from services.log.open import is_on_kafka, open_log
from services.log.port import Log
from services.projector.projections import READ_MODELS
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.deliverer import SILENT_S, Deliverer
from services.scoring.deliver.mail import Mailer, Server
from services.scoring.deliver.post import Poster
from services.scoring.deliver.sender import Sender
from services.scoring.listening import Listener
from services.scoring.loop import ScoringLoop
from services.settings import Settings, load
from services.store.archive_progress import PostgresProgress
from services.store.lock import DELIVERER, FOLDER, TICKER, KeptLock, PostgresLock
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.postgres_deliveries import PostgresDeliveries
from services.store.postgres_scores import PostgresScores
from services.vault.postgres import PostgresVault

WRONG_USE: Final = 2
"""The exit code by which the supervisor knows that starting again is in vain."""
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
        stack.enter_context(collecting_rarely())
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


@contextmanager
def delivering(settings: Settings, addresses: Addresses, events: Log) -> Iterator[Deliverer]:
    """What sends decisions to targets; at the end the attempts at hand are waited for.

    Raises ``Misconfigured`` for a mail server that can't be used.
    """
    url, clock = addresses.store.fold, SystemClock()
    server = Server.of(settings.smtp_url, settings.smtp_from)
    poster = Poster(clock, may_be_private=settings.allow_private_targets)
    with ExitStack() as stack:
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        deliveries = stack.enter_context(closing(PostgresDeliveries(url)))
        lock = stack.enter_context(closing(KeptLock(url, DELIVERER, within_s=SILENT_S)))
        sender = Sender(vault, poster, Mailer(server, clock), console=settings.url)
        courier = stack.enter_context(closing(Courier(deliveries, sender.send, clock)))
        yield Deliverer(lock, events, deliveries, courier, clock=clock)


@contextmanager
def scoring(addresses: Addresses) -> Iterator[ScoringLoop]:
    """What scores customers, behind the folds."""
    with (
        closing(open_log(addresses.log)) as events,
        closing(PostgresScores(addresses.store.fold)) as scores,
        closing(PostgresVault(addresses.store.fold, addresses.master_key)) as vault,
    ):
        yield ScoringLoop(events, scores, Listener(vault))


def run(settings: Settings, addresses: Addresses, stop: threading.Event, watch: Watch) -> None:
    """Fold, archive, deliver, score until ``stop`` is set; raises as ``fold``, ``delivering``."""
    with ExitStack() as stack:
        events = stack.enter_context(closing(open_log(addresses.log)))
        deliverer = stack.enter_context(delivering(settings, addresses, events))
        feed = ArchiveFeed(
            events, PostgresProgress(addresses.store.fold), ClickHouseArchive(addresses.archive)
        )
        works = [feed.run, deliverer.run]
        if settings.scoring == "on":
            works.append(stack.enter_context(scoring(addresses)).run)
        threads = stack.enter_context(
            ThreadPoolExecutor(len(works), thread_name_prefix="beside-folds")
        )
        beside = [threads.submit(work, stop) for work in works]
        for each in beside:
            # One that ended by a bug ends the engine: it starts anew, and somebody sees it.
            each.add_done_callback(lambda _: stop.set())
        log.info("engine.started", partitions=events.partitions)
        try:
            fold(addresses, stop, watch)
        finally:
            stop.set()
        for each in beside:
            each.result(timeout=10)


def work(settings: Settings, watch: Watch, stop: threading.Event) -> int:
    """Run until ``stop`` is set; the exit code: 1 where folds can't go on, 2 if they never can."""
    try:
        run(settings, find(settings), stop, watch)
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


def stopped_by_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT; then the batch at hand is finished, and no other begun."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopping(stop))
    return stop


def main() -> int:
    """Run as the environment's settings say, as a process of ``touchline up``."""
    settings = load()
    telemetry.configure("engine", level=settings.log_level, format=settings.log_format)
    return work(settings, Watch(CollectorRegistry()), stopped_by_signals())


def _stopping(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: stop.set()


if __name__ == "__main__":
    sys.exit(main())
