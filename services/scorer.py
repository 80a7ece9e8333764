"""The scorer process: scores and alerts behind the folds, and deliveries of what was decided.

Started as ``python -m services.scorer`` by ``touchline up``, and by ``touchline scoring``. It is a
process of its own because a batch of it holds Python's lock for longer than a fold, which somebody
waits for, may be late.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

import structlog
from prometheus_client import CollectorRegistry

from services import telemetry
from services.clock import SystemClock
from services.commands.relay import relay_alerts
from services.fold.watch import Turns
from services.ingest.receive import receive_control
from services.log.open import open_log, open_outlet
from services.log.port import Log
from services.priority import BEHIND, stand_back
from services.process import beside, ending, stopped_by_signals
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.deliverer import SILENT_S, Deliverer
from services.scoring.deliver.mail import Mailer, Server
from services.scoring.deliver.post import Poster
from services.scoring.deliver.publisher import Publisher
from services.scoring.deliver.sender import Sender
from services.scoring.listening import Listener
from services.scoring.loop import ScoringLoop
from services.settings import Settings, load
from services.store.folded import PostgresFolded
from services.store.lock import DELIVERER, PUBLISHER, KeptLock
from services.store.outbox import PostgresOutbox
from services.store.postgres_deliveries import PostgresDeliveries
from services.store.postgres_published import PostgresPublished
from services.store.postgres_scores import PostgresScores
from services.vault.master import parse_master_key
from services.vault.port import Vault
from services.vault.postgres import PostgresVault

log = structlog.get_logger()


@contextmanager
def delivering(settings: Settings, events: Log, vault: Vault) -> Iterator[Deliverer]:
    """What sends decisions to targets; at the end the attempts at hand are waited for.

    Raises ``Misconfigured`` for a mail server that can't be used.
    """
    url, clock = settings.store_fold_url, SystemClock()
    server = Server.of(settings.smtp_url, settings.smtp_from)
    poster = Poster(clock, may_be_private=settings.allow_private_targets)
    with ExitStack() as stack:
        deliveries = stack.enter_context(closing(PostgresDeliveries(url)))
        lock = stack.enter_context(closing(KeptLock(url, DELIVERER, within_s=SILENT_S)))
        sender = Sender(vault, poster, Mailer(server, clock), console=settings.url)
        courier = stack.enter_context(closing(Courier(deliveries, sender.send, clock)))
        yield Deliverer(lock, events, deliveries, courier, clock=clock)


@contextmanager
def publishing(settings: Settings, events: Log) -> Iterator[Publisher]:
    """What sends decisions to their topic.

    Raises ``Misconfigured`` where Kafka's clients are missing.
    """
    url = settings.store_fold_url
    with ExitStack() as stack:
        outlet = stack.enter_context(closing(open_outlet(settings.kafka, settings.decisions)))
        progress = stack.enter_context(closing(PostgresPublished(url)))
        lock = stack.enter_context(closing(KeptLock(url, PUBLISHER, within_s=SILENT_S)))
        yield Publisher(lock, events, progress, outlet)


@contextmanager
def scoring(
    url: str, events: Log, vault: Vault, turns: Turns | None = None
) -> Iterator[ScoringLoop]:
    """What scores customers of the store at ``url``, behind the folds.

    The alerts that it raises it brings to the log itself: the relay of the folds has a turn of its
    own, and all that they decided besides.
    """
    clock = SystemClock()

    def append(posted: Sequence[tuple[str, bytes]]) -> None:
        receive_control(posted, clock.now(), vault=vault, log=events)

    with ExitStack() as stack:
        scores = stack.enter_context(closing(PostgresScores(url)))
        outbox = stack.enter_context(closing(PostgresOutbox(url)))
        folded = stack.enter_context(closing(PostgresFolded(url)))
        yield ScoringLoop(
            events, scores, Listener(vault),
            turns=turns, folded=folded.wait, after=lambda: relay_alerts(outbox, append),
        )  # fmt: skip


def run(settings: Settings, stop: threading.Event, turns: Turns) -> None:
    """Score, deliver and publish until ``stop`` is set; raises as these.

    ``settings`` name the store and the master key.
    """
    url, key = settings.store_fold_url, parse_master_key(settings.master_key)
    with ExitStack() as stack:
        events = stack.enter_context(closing(open_log(settings.log_url or url)))
        vault = stack.enter_context(closing(PostgresVault(url, key)))
        works = [stack.enter_context(delivering(settings, events, vault)).run]
        if settings.decisions:
            works.append(stack.enter_context(publishing(settings, events)).run)
        if settings.scoring == "on":
            works.append(stack.enter_context(scoring(url, events, vault, turns)).run)
        log.info("scorer.started", scoring=settings.scoring)
        with beside(stop, works):
            # Where nobody scores there is no loop to be seen turning.
            while not stop.wait(1.0 if settings.scoring == "off" else None):
                turns.turn()


def work(settings: Settings, turns: Turns, stop: threading.Event) -> int:
    """Run until ``stop`` is set; the exit code: 1 where it can't go on, 2 if it never can."""
    return ending("scorer", lambda: run(settings, stop, turns))


def main() -> int:
    """Run as the environment's settings say, as a process of ``touchline up``."""
    stand_back(BEHIND)
    settings = load()
    telemetry.configure("scorer", level=settings.log_level, format=settings.log_format)
    return work(settings, Turns(CollectorRegistry(), of="scoring"), stopped_by_signals())


if __name__ == "__main__":
    sys.exit(main())
