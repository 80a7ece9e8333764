"""The web process: ingest, query and their pages on one port. ``python -m services.web``."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from importlib.metadata import version
from typing import Final, Literal

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from services import telemetry
from services.addresses import archive_access
from services.archive.clickhouse import ClickHouseArchive
from services.clock import SystemClock
from services.commands.alerts import Alerts
from services.commands.backtests import Backtests
from services.commands.customers import Customers
from services.commands.dead_letters import DeadLetters, Send
from services.commands.deliveries import Deliveries
from services.commands.loyalty import Points
from services.commands.metrics import DeliveryFigures, OutboxDepth
from services.commands.policies import Policies
from services.commands.targets import Targets
from services.commands.voids import Voids
from services.edge import health
from services.edge.auth import Gate
from services.edge.compose import with_edge
from services.edge.health import Checks
from services.edge.keys import Key
from services.edge.limits import Limits
from services.edge.probes import measure_process
from services.edge.rate import Rates
from services.edge.server import GRACE_S, serve
from services.edge.shown import Shown
from services.errors import Refused
from services.inboxes import reading
from services.ingest.app import router as ingest_router
from services.ingest.door import Door, IngestMetrics
from services.log.open import open_log
from services.log.port import Position
from services.process import ending
from services.projector.projections.lifecycle import path
from services.projector.projections.lifecycle.model import DAYS, LIFECYCLE
from services.projector.projections.loyalty import Statement, lots
from services.projector.projections.loyalty.model import LEDGER, LOYALTY
from services.query import docs
from services.query.app import router as query_router
from services.query.courses import Courses, Lifecycles, Loyalties
from services.query.dashboards import pages
from services.query.desk import Desk
from services.query.feed import Feed
from services.query.figures import Figures
from services.query.freshness import Freshness
from services.query.lines import Lines
from services.query.metrics import Account
from services.query.paging import Cursors
from services.scoring.backtests import Backtester
from services.scoring.explain import explain
from services.settings import Settings, load
from services.store.decisions import PostgresDecisions
from services.store.letters import PostgresLetters
from services.store.outbox import PostgresOutbox
from services.store.postgres_alerts import PostgresAlerts
from services.store.postgres_balances import PostgresBalances
from services.store.postgres_deliveries import PostgresDeliveries
from services.store.postgres_models import PostgresModels
from services.store.postgres_targets import PostgresTargets
from services.store.postgres_tenants import PostgresTenants
from services.store.reader import Reader
from services.store.urls import Urls
from services.vault.master import parse_master_key
from services.vault.postgres import PostgresVault

SWITCH_S: Final = 0.001
"""How long a thread keeps Python's lock while others want it: a read waits behind a batch's
validation no longer than that."""
NOBODY: Final = "0" * 32
"""Nobody's hash: asked for by who only wants an answer."""
DESCRIPTION: Final = """
Events in (`POST /v1/events`), customers out (`GET /v1/customers`).

Every call needs a key: `Authorization: Bearer KEY`. An answer to a write names a
`Touchline-Position`; send it as `Touchline-Wait-For` and the read includes what you wrote.
Errors are `{"problem", "field", "value", "remedy"}`.
"""


Part = Literal["web", "ingest", "query"]
"""What a process serves: all of it, or one service alone."""


def app(routes: Sequence[APIRouter], limits: Limits, registry: CollectorRegistry) -> FastAPI:
    """``routes`` behind one edge, with the documentation of just these."""
    web = Shown(
        title="Touchline",
        version=version("touchline"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    with_edge(web, limits, registry)
    for some in (*routes, docs.router()):
        web.include_router(some)
    measure_process(registry)
    return web


@contextmanager
def composed(settings: Settings) -> Iterator[FastAPI]:
    """Both services as ``settings`` say, with all that they hold open until the block ends.

    Raises ``Misconfigured`` and ``Unavailable``.
    """
    registry = CollectorRegistry()
    with ExitStack() as stack:
        door = _door(settings, registry, stack)
        desk = _desk(settings, door, stack)
        outbox = stack.enter_context(closing(PostgresOutbox(_urls(settings).fold)))
        registry.register(OutboxDepth(outbox.depth))
        figures = stack.enter_context(closing(PostgresDeliveries(_urls(settings).fold, size=1)))
        registry.register(DeliveryFigures(lambda: figures.figures(door.clock.now())))
        routes = [ingest_router(door), query_router(desk), pages.router()]
        web = app([*routes, _query_health(desk, registry)], door.limits, registry)
        web.state.stopping = desk.feed.end
        stack.enter_context(reading(settings, door))
        yield web


@contextmanager
def ingesting(settings: Settings) -> Iterator[FastAPI]:
    """Ingest alone; as ``composed``, and the archive may be anywhere or nowhere."""
    registry = CollectorRegistry()
    with ExitStack() as stack:
        door = _door(settings, registry, stack)
        checks = Checks({"store": door.gate.reach, "log": door.log.ends})
        routes = [ingest_router(door), health.router(checks, registry)]
        stack.enter_context(reading(settings, door))
        yield app(routes, door.limits, registry)


@contextmanager
def querying(settings: Settings) -> Iterator[FastAPI]:
    """Query and its pages alone; as ``composed``.

    Dead letters that are sent again go through ingest's code, and into the log, here too.
    """
    registry = CollectorRegistry()
    with ExitStack() as stack:
        door = _door(settings, registry, stack)
        desk = _desk(settings, door, stack)
        routes = [query_router(desk), pages.router(), _query_health(desk, registry)]
        web = app(routes, door.limits, registry)
        web.state.stopping = desk.feed.end
        yield web


COMPOSED: Final[Mapping[Part, Callable[[Settings], AbstractContextManager[FastAPI]]]] = {
    "web": composed,
    "ingest": ingesting,
    "query": querying,
}


def _urls(settings: Settings) -> Urls:
    return Urls.acting_from(
        settings.store_url, fold=settings.store_fold_url, query=settings.store_query_url
    )


def _door(settings: Settings, registry: CollectorRegistry, stack: ExitStack) -> Door:
    """What ingest is built from; ``stack`` closes it."""
    urls = _urls(settings)
    limits = Limits(requests_per_s=settings.requests_per_s, requests_burst=settings.requests_burst)
    events = stack.enter_context(closing(open_log(settings.log_url or urls.fold)))
    key = parse_master_key(settings.master_key)
    vault = stack.enter_context(closing(PostgresVault(urls.fold, key)))
    tenants = stack.enter_context(closing(PostgresTenants(urls.query)))
    gate = Gate(tenants, Rates(limits))
    return Door(events, vault, gate, SystemClock(), limits, IngestMetrics(registry))


def _desk(settings: Settings, door: Door, stack: ExitStack) -> Desk:
    """What query is built from; ``stack`` closes it."""
    url, events, clock = _urls(settings).query, door.log, door.clock
    access = archive_access(settings, settings.archive_url)
    archive = ClickHouseArchive(access, timeout_s=GRACE_S)
    stack.callback(archive.close)
    reader, letters = Reader(url), PostgresLetters(url)
    decisions, balances = PostgresDecisions(url), PostgresBalances(url)
    places, alerts = PostgresTargets(url), PostgresAlerts(url)
    for pool in (reader, letters, decisions, balances, places, alerts):
        stack.callback(pool.close)
    folded = Freshness(reader.applied, events, clock)
    archived = Freshness(reader.archived, events, clock)
    scored = Freshness(reader.scored, events, clock)
    for freshness in (folded, archived, scored):
        stack.callback(freshness.close)
    feed = Feed(events, reader.applied, reader.skipped, streams=door.limits.streams)
    stack.callback(feed.close)
    known = courses()
    targets = Targets(
        places, door.vault, events, clock, may_be_private=settings.allow_private_targets
    )
    return Desk(
        gate=door.gate,
        reader=reader,
        vault=door.vault,
        log=events,
        clock=clock,
        timelines=archive,
        folded=folded,
        archived=archived,
        scored=scored,
        decisions=decisions,
        customers=Customers(decisions, events, clock),
        points=Points(balances, (LOYALTY, LEDGER), events, clock),
        voids=Voids(balances, decisions, events, clock),
        policies=Policies(
            decisions, decisions, events, clock, balances=balances, tested=alerts.tested
        ),
        letters=DeadLetters(letters, door.vault, events),
        send=sending(door),
        cursors=Cursors(door.vault.hash_key),
        courses=known,
        lines=Lines(known),
        feed=feed,
        figures=Figures(),
        targets=targets,
        deliveries=Deliveries(places, targets, clock),
        explain=explain,
        alerts=Alerts(balances, alerts, events, clock),
        backtests=Backtests(
            Backtester(PostgresModels(_urls(settings).fold)), alerts, decisions, clock
        ),
    )


def _query_health(desk: Desk, registry: CollectorRegistry) -> APIRouter:
    registry.register(Account(desk))
    needed = {"store": desk.reader.applied, "log": desk.log.ends}
    archive = {"archive": lambda: desk.timelines.touches("", [NOBODY])}
    return health.router(Checks(needed, archive), registry)


def courses() -> Courses:
    """What queries ask of lifecycle and loyalty: pure functions, handed in."""
    return Courses(Lifecycles(LIFECYCLE, DAYS, path), Loyalties(LOYALTY, LEDGER, lots, Statement))


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


def run(part: Part, settings: Settings) -> int:
    """Serve ``part`` until SIGTERM or SIGINT; gives the exit code."""
    sys.setswitchinterval(SWITCH_S)
    telemetry.configure(part, level=settings.log_level, format=settings.log_format)
    return ending("web", lambda: _serve(part, settings))


def _serve(part: Part, settings: Settings) -> None:
    with COMPOSED[part](settings) as web:
        # What is there by now stays: who makes thousands of lines of a statement need not look for
        # cycles in all of it.
        gc.freeze()
        serve(web, settings.host, settings.port)


def main() -> int:
    """Serve everything, as the settings in the environment say."""
    return run("web", load())


if __name__ == "__main__":
    sys.exit(main())
