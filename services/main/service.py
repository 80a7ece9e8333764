"""``touchline projector``, ``ingest``, ``query``: one service each, to be run apart."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from services.main.options import DataDir, Host, Port


def projector(*, data_dir: DataDir = None) -> None:
    """Run the engine alone: it folds the log, sends what was decided, feeds the archive."""
    from services.engine import main

    raise typer.Exit(_run(main, data_dir, None, None))


def ingest(*, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Run a web process, to take events in (it answers queries too); any number may run."""
    from services.web import main

    raise typer.Exit(_run(main, data_dir, host, port))


def query(*, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Run a web process, to answer queries (it takes events in too); any number may run."""
    from services.web import main

    raise typer.Exit(_run(main, data_dir, host, port))


def _run(main: Callable[[], int], data_dir: Path | None, host: str | None, port: int | None) -> int:
    """Run ``main`` where it finds every address in the environment, as a child of ``up`` does."""
    from services.addresses import borrow, resolved
    from services.settings import load

    settings = load(data_dir=data_dir, host=host, port=port)
    # uvicorn ends its work and then signals itself again: so that what follows still happens.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with borrow(settings) as addresses:
        os.environ.update(resolved(settings, addresses).environ)
        return main()
