"""``touchline projector``, ``scoring``, ``ingest``, ``query``: one service each, run apart."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from services.main.options import DataDir, Host, Port

if TYPE_CHECKING:
    from services.settings import Settings
    from services.web import Part

MetricsPort = Annotated[
    int | None,
    typer.Option(
        help="Port of its /healthz, /readyz and /metrics; 0 is any that is free.",
        envvar="TOUCHLINE_METRICS_PORT",
        show_default="9464",
    ),
]


def projector(
    *, data_dir: DataDir = None, host: Host = None, metrics_port: MetricsPort = None
) -> None:
    """Fold the log into rows, relay what was decided, tell the time, feed the archive.

    It takes no requests; /healthz, /readyz and /metrics answer on a port of their own. On Kafka any
    number of them share the log's partitions; on a log in PostgreSQL one folds and another stands
    by. It is to be started anew whenever it ends: SIGTERM ends it after the batch at hand; killed,
    it loses nothing and counts nothing twice. Exit code 1 where an event can't be folded (the log
    names it, and the way on) or another process took over, 2 where a setting is wrong.

    Needs TOUCHLINE_STORE_URL, TOUCHLINE_ARCHIVE_URL, TOUCHLINE_MASTER_KEY, and TOUCHLINE_LOG_URL
    for a log on Kafka, or the data directory of a platform that runs; and: touchline migrate.
    """
    from services.addresses import borrow, resolved
    from services.main.background import project
    from services.settings import load

    settings = load(data_dir=data_dir, host=host, metrics_port=metrics_port)
    with borrow(settings) as addresses:
        raise typer.Exit(project(resolved(settings, addresses)))


def scoring(
    context: typer.Context,
    *,
    data_dir: DataDir = None,
    host: Host = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Score customers, raise alerts, send decisions to targets: the service, run without a command.

    Its commands train models of scores, show what they change, and let them score.

    The service takes no requests; /healthz, /readyz and /metrics answer on a port of their own. One
    works, others stand by. It is to be started anew whenever it ends: SIGTERM ends it after the
    batch and the deliveries at hand; killed, it loses nothing and sends nothing under another id.

    Needs TOUCHLINE_STORE_URL, TOUCHLINE_MASTER_KEY, and TOUCHLINE_LOG_URL for a log on Kafka, or
    the data directory of a platform that runs; and: touchline migrate.
    """
    if context.invoked_subcommand is not None:
        return
    from services.addresses import borrow_store, with_store
    from services.main.background import score
    from services.settings import load

    settings = load(data_dir=data_dir, host=host, metrics_port=metrics_port)
    with borrow_store(settings) as store:
        raise typer.Exit(score(with_store(settings, store)))


def ingest(*, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Take events in: the routes of ingest alone, and /healthz, /readyz, /metrics, /docs.

    Any number may run side by side. SIGTERM ends it once the requests in hand are answered, after
    ten seconds at most; whatever it answered with 2xx is in the log.

    Needs TOUCHLINE_STORE_URL, TOUCHLINE_MASTER_KEY, and TOUCHLINE_LOG_URL for a log on Kafka, or
    the data directory of a platform that runs; and: touchline migrate.
    """
    from services.addresses import borrow_store, with_store
    from services.settings import load

    settings = load(data_dir=data_dir, host=host, port=port)
    with borrow_store(settings) as store:
        raise typer.Exit(_serve("ingest", with_store(settings, store)))


def query(*, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Answer queries: the routes of query and its pages alone, and /healthz, /readyz, /metrics.

    Any number may run side by side. SIGTERM ends it once the requests in hand are answered, after
    ten seconds at most; streams are ended at once, and resumed by their clients elsewhere.

    Needs TOUCHLINE_STORE_URL, TOUCHLINE_ARCHIVE_URL, TOUCHLINE_MASTER_KEY, and TOUCHLINE_LOG_URL
    for a log on Kafka, or the data directory of a platform that runs; and: touchline migrate.
    """
    from services.addresses import borrow, resolved
    from services.settings import load

    settings = load(data_dir=data_dir, host=host, port=port)
    with borrow(settings) as addresses:
        raise typer.Exit(_serve("query", resolved(settings, addresses)))


def _serve(part: "Part", settings: "Settings") -> int:
    from services.web import run

    # uvicorn ends its work and then signals itself again: so that what follows still happens.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return run(part, settings)
