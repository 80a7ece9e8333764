"""The folds on a cluster: one of several workers, each with its share of Kafka's partitions."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Final

from services.addresses import Addresses
from services.clock import Clock, SystemClock
from services.commands.relay import MANY, relay
from services.commands.ticker import Ticker
from services.fold.apply import Folds
from services.fold.watch import Watch, WatchedStore
from services.ingest.receive import receive_control
from services.log.kafka.address import parse
from services.log.open import open_log
from services.process import beside
from services.projector.chores import Chores
from services.projector.lookout import STALLED_S, Lookout
from services.projector.projections import READ_MODELS
from services.projector.share import Share
from services.projector.worker import SESSION_S, Group, work
from services.store.holds import Beside
from services.store.lock import RELAY, TICKER, KeptLock
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.stopped import PostgresStopped
from services.vault.postgres import PostgresVault

SYSTEM: Final = SystemClock()
STOPPED_S: Final = 5
"""A process that is stopped loses its transaction and its locks after so long, and Kafka gives its
partitions away after six seconds: so they move on within ten."""


def fold_a_share(
    addresses: Addresses,
    stop: threading.Event,
    watch: Watch,
    *,
    session_s: float = SESSION_S,
    stalled_s: float = STALLED_S,
    clock: Clock = SYSTEM,
) -> None:
    """Fold what Kafka's group gives this process, until ``stop`` is set; any number may do so.

    One of them relays, one tells the time: whichever holds the lock. Raises ``FoldBug``, and
    ``NotOurs`` where another process took over a partition.
    """
    url = addresses.store.fold
    with ExitStack() as stack:
        events = stack.enter_context(closing(open_log(addresses.log)))
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        store = stack.enter_context(closing(PostgresStore(url, holds=Beside, patience_s=STOPPED_S)))
        seen = stack.enter_context(closing(PostgresStore(url)))
        stopped = stack.enter_context(closing(PostgresStopped(url)))
        lookout = Lookout(events, seen, end_stopped=stopped.end, stalled_s=stalled_s)
        share = Share(Folds(READ_MODELS, vault), WatchedStore(store, watch), lookout, watch)
        outbox = stack.enter_context(closing(PostgresOutbox(url)))
        relaying, ticking = (
            stack.enter_context(closing(KeptLock(url, lock, within_s=STOPPED_S)))
            for lock in (RELAY, TICKER)
        )

        def append(posted: Sequence[tuple[str, bytes]]) -> None:
            receive_control(posted, clock.now(), vault=vault, log=events)

        ticker = Ticker(ticking, lambda workspace, event: append([(workspace, event)]), clock)
        # Locks are asked for at each turn: one of which the server hears nothing is given away.
        chores = Chores(
            [
                lambda: ticker.tick() if ticking.is_ours() else 0,
                lambda: relay(outbox, append, MANY) if relaying.is_ours() else 0,
            ],
            much=MANY,
        )

        def look(stop: threading.Event) -> None:
            lookout.run(stop, lambda: share.partitions, lambda: share.attempts)

        address = parse(addresses.log)
        with beside(stop, [look, lookout.guard, chores.run]):
            work(Group(address.servers, address.topic, session_s), share, stop)
