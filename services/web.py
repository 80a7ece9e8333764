"""The web process: ingest, query and their pages on one port. ``python -m services.web``."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services import telemetry
from services.archive.clickhouse import ClickHouseArchive
from services.clock import SystemClock
from services.commands.customers import Customers
from services.commands.dead_letters import DeadLetters, Send
from services.commands.loyalty import Points
from services.commands.policies import Policies
from services.commands.voids import Voids
from services.edge.auth import Gate
from services.edge.compose import with_edge
from services.edge.keys import Key
from services.edge.limits import Limits
from services.edge.rate import Rates
from services.errors import Misconfigured, Refused, TouchlineError
from services.fold.garbage import collecting_rarely
from services.ingest.app import router as ingest_router
from services.ingest.door import Door, IngestMetrics
from services.log.open import open_log
from services.log.port import Position
from services.projector.projections.lifecycle import path
from services.projector.projections.lifecycle.model import DAYS, LIFECYCLE
from services.projector.projections.loyalty import lots, statement
from services.projector.projections.loyalty.model import LEDGER, LOYALTY
from services.query import docs, health
from services.query.app import router as query_router
from services.query.courses import Courses, Lifecycles, Loyalties
from services.query.dashboards import pages
from services.query.desk import Desk
from services.query.feed import Feed
from services.query.figures import Figures
from services.query.freshness import Freshness
from services.query.lines import Lines
from services.query.paging import Cursors
from services.settings import Settings, load
from services.store.decisions import PostgresDecisions
from services.store.letters import PostgresLetters
from services.store.postgres_balances import PostgresBalances
from services.store.postgres_tenants import PostgresTenants
from services.store.reader import Reader
from services.store.urls import Urls
from services.vault.master import parse_master_key
from services.vault.postgres import PostgresVault

GRACE_S: Final = 10
"""For requests in hand when we are told to stop: as long as the longest wait."""
SWITCH_S: Final = 0.001
"""How long a thread keeps Python's lock while others want it: a read waits behind a batch's
validation no longer than that."""
WRONG_USE: Final = 2
"""The exit code by which the supervisor knows that starting again is in vain."""
DESCRIPTION: Final = """
Events in (`POST /v1/events`), customers out (`GET /v1/customers`).

Every call needs a key: `Authorization: Bearer KEY`. An answer to a write names a
`Touchline-Position`; send it as `Touchline-Wait-For` and the read includes what you wrote.
Errors are `{"problem", "field", "value", "remedy"}`.
"""

log = structlog.get_logger()


def app(door: Door, desk: Desk, registry: CollectorRegistry) -> FastAPI:
    """All routes behind one edge."""
    web = FastAPI(
        title="Touchline",
        version=version("touchline"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    with_edge(web, door.limits, registry)
    for routes in (
        ingest_router(door),
        query_router(desk),
        health.router(desk, registry),
        docs.router(),
        pages.router(),
    ):
        web.include_router(routes)
    health.measure(desk, registry)
    return web


@contextmanager
def composed(settings: Settings) -> Iterator[FastAPI]:
    """The application as ``settings`` say, with all that it holds open until the block ends.

    Raises ``Misconfigured`` and ``Unavailable``.
    """
    urls = Urls.acting_from(
        settings.store_url, fold=settings.store_fold_url, query=settings.store_query_url
    )
    registry, clock = CollectorRegistry(), SystemClock()
    limits = Limits(requests_per_s=settings.requests_per_s, requests_burst=settings.requests_burst)
    with ExitStack() as stack:
        events = open_log(settings.log_url or urls.fold)
        stack.callback(events.close)
        vault = PostgresVault(urls.fold, parse_master_key(settings.master_key))
        stack.callback(vault.close)
        tenants = PostgresTenants(urls.query)
        stack.callback(tenants.close)
        archive = ClickHouseArchive(settings.archive_url, timeout_s=GRACE_S)
        stack.callback(archive.close)
        reader, letters = Reader(urls.query), PostgresLetters(urls.query)
        decisions, balances = PostgresDecisions(urls.query), PostgresBalances(urls.query)
        for pool in (reader, letters, decisions, balances):
            stack.callback(pool.close)
        folded = Freshness(reader.applied, events, clock)
        archived = Freshness(reader.archived, events, clock)
        for freshness in (folded, archived):
            stack.callback(freshness.close)
        feed = Feed(events, reader.applied, reader.skipped, streams=limits.streams)
        stack.callback(feed.close)
        known = courses()
        gate = Gate(tenants, Rates(limits))
        door = Door(events, vault, gate, clock, limits, IngestMetrics(registry))
        desk = Desk(
            gate=gate,
            reader=reader,
            vault=vault,
            log=events,
            clock=clock,
            timelines=archive,
            folded=folded,
            archived=archived,
            decisions=decisions,
            customers=Customers(decisions, events, clock),
            points=Points(balances, LOYALTY, events, clock),
            voids=Voids(balances, decisions, events, clock),
            policies=Policies(decisions, decisions, events, clock, balances=balances),
            letters=DeadLetters(letters, vault, events),
            send=sending(door),
            cursors=Cursors(vault.hash_key),
            courses=known,
            lines=Lines(known),
            feed=feed,
            figures=Figures(),
        )
        web = app(door, desk, registry)
        web.state.stopping = feed.end
        yield web


def courses() -> Courses:
    """What queries ask of lifecycle and loyalty: pure functions, handed in."""
    return Courses(Lifecycles(LIFECYCLE, DAYS, path), Loyalties(LOYALTY, LEDGER, lots, statement))


def sending(door: Door) -> Callable[[Key], Send]:
    """Ingest's way in, for what is sent again."""

    def with_key(key: Key) -> Send:
        def send(
            workspace: str,  # noqa: ARG001 - the key's own
            raw: bytes,
            *,
            browser: str | None,
        ) -> tuple[str, Position]:
            sender = key._replace(kind="browser", key_id=browser) if browser else key
            received = door.receive(sender, [raw])
            for rejected in received.rejected:
                problem = rejected.problem
                raise Refused(
                    problem.problem, problem.remedy, field=problem.field, value=problem.value
                )
            return received.accepted[0].id, received.position

        return send

    return with_key


def serve(settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT; those in hand are finished."""
    # A statement of thousands of lines makes as many objects: looking for cycles among them, time
    # and again, would cost it a fifth.
    with composed(settings) as web, collecting_rarely():
        config = uvicorn.Config(
            web,
            host=settings.host,
            port=settings.port,
            # Our own lines say the same without addresses, see services/edge/trace.py.
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        with suppress(KeyboardInterrupt):
            Server(config, web.state.stopping).run()


class Server(uvicorn.Server):
    """Ends streams as it stops: they would else be waited for as long as any request may take."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn says."""
        self._stopping()
        await super().shutdown(sockets)


def main() -> int:
    """Serve as the settings in the environment say."""
    settings = load()
    sys.setswitchinterval(SWITCH_S)
    telemetry.configure("web", level=settings.log_level, format=settings.log_format)
    try:
        serve(settings)
    except Misconfigured as error:
        log.critical("web.refused", problem=str(error))
        return WRONG_USE
    except TouchlineError as error:
        log.critical("web.failed", problem=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
