"""What a load runs into: a workspace of the platform that runs, or of a database started for it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path

from services.addresses import Addresses, borrow
from services.clock import SystemClock
from services.data_dir import running
from services.engine import folds
from services.errors import NotFound
from services.fold.backlog import LogBacklog
from services.ingest.accept import Producer
from services.ingest.load import Destination, destination
from services.log.postgres import PostgresLog
from services.main.tenants import opened
from services.settings import load
from services.store.import_state import PostgresImportState
from services.store.postgres import PostgresStore
from services.store.refused import PostgresRefused
from services.vault.postgres import PostgresVault


@contextmanager
def open_destination(workspace: str, data_dir: Path | None = None) -> Iterator[Destination]:
    """The workspace to load into; where no platform runs here, its folds run until the load is done."""
    settings = load(data_dir=data_dir)
    has_engine = bool(settings.store_url) or running(settings.data_dir) is not None
    with ExitStack() as stack:
        addresses = stack.enter_context(borrow(settings))
        producer = _producer(addresses, workspace)
        stack.enter_context(nullcontext() if has_engine else _folding(addresses))
        clock, url = SystemClock(), addresses.store.fold
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        log = stack.enter_context(closing(PostgresLog(addresses.log)))
        store = stack.enter_context(closing(PostgresStore(url)))
        yield destination(
            producer,
            log,
            vault,
            clock,
            backlog=LogBacklog(log, store),
            dead_letters=stack.enter_context(
                closing(PostgresRefused(url, workspace, vault, clock))
            ),
            marks=stack.enter_context(closing(PostgresImportState(url, workspace))),
        )


def _producer(addresses: Addresses, workspace: str) -> Producer:
    """Loads act with the rights of a server's key."""
    with opened(addresses) as tenants:
        found = next((row for row in tenants.workspaces() if row.workspace == workspace), None)
    if found is None:
        raise NotFound(
            "is no workspace",
            "make it with: touchline workspaces create, or name another",
            field="workspace",
            value=workspace,
        )
    return Producer(workspace, "write", "load", found.region)


@contextmanager
def _folding(addresses: Addresses) -> Iterator[None]:
    """Fold beside the load; what it appended is applied when the block ends."""
    stop = threading.Event()
    with folds(addresses) as loop:
        thread = threading.Thread(target=loop.run, args=(stop,), name="folds", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        while loop.once():
            pass
