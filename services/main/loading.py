"""What a load runs into: a workspace of the platform that runs, or of a database started for it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from schemas.problems import Problem
from services.addresses import borrow
from services.clock import Clock, SystemClock
from services.commands.dead_letters import refused
from services.data_dir import running
from services.fold.backlog import LogBacklog
from services.ingest.accept import Producer
from services.ingest.load import Destination, destination
from services.log.open import open_log
from services.main.folding import folding
from services.main.tenants import workspace_row
from services.priority import FAR_BEHIND, stand_back
from services.settings import load
from services.store.import_state import PostgresImportState
from services.store.letters import PostgresLetters
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.vault.port import Vault
from services.vault.postgres import PostgresVault


@contextmanager
def open_destination(workspace: str, data_dir: Path | None = None) -> Iterator[Destination]:
    """The workspace to load into, which acts with the rights of a server's key.

    Where no platform runs here, its folds run until the load is done.
    """
    settings = load(data_dir=data_dir)
    with ExitStack() as stack:
        addresses = stack.enter_context(borrow(settings))
        row = workspace_row(addresses, workspace)
        stack.enter_context(folding(settings, addresses))
        if running(settings.data_dir) is not None:
            stand_back(FAR_BEHIND)
        clock, url = SystemClock(), addresses.store.fold
        vault = stack.enter_context(closing(PostgresVault(url, addresses.master_key)))
        log = stack.enter_context(closing(open_log(addresses.log)))
        store = stack.enter_context(closing(PostgresStore(url)))
        letters = stack.enter_context(closing(PostgresLetters(url)))
        outbox = stack.enter_context(closing(PostgresOutbox(url)))
        yield destination(
            Producer(workspace, "write", "load", row.region),
            log,
            vault,
            clock,
            backlog=LogBacklog(log, store, outbox),
            dead_letters=_Letters(workspace, letters, vault, clock),
            marks=stack.enter_context(closing(PostgresImportState(url, workspace))),
        )


class _Letters:
    """What a load could not take in, kept for its workspace."""

    def __init__(
        self, workspace: str, letters: PostgresLetters, vault: Vault, clock: Clock
    ) -> None:
        self._workspace, self._letters, self._vault, self._clock = workspace, letters, vault, clock

    def keep(self, raw: bytes, problem: Problem, origin: str) -> None:
        at = self._clock.now()
        letter = refused(self._workspace, origin, raw, problem, vault=self._vault, at=at)
        self._letters.keep(letter)
