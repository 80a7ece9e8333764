"""An engine for tests: log, vault, store and relay on PostgreSQL, at work when a test says so."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from schemas.envelope import Recorded
from services.commands.relay import relay
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.fold.projection import AnyProjection
from services.fold.read_models import ReadModels
from services.fold.rebuild import Progress, Verified, rebuild, replay, verify
from services.ingest.receive import receive_control
from services.log.open import open_log
from services.log.port import Entry, Log
from services.projector.projections import READ_MODELS
from services.store.account import Account, account
from services.store.compare import COMPARED, snapshot
from services.store.migrate import LIVE
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.shadow import Shadow
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from tests.histories import START, History, entry

MASTER_KEY: Final = bytes(range(32))


def quietly(done: int, total: int) -> None:
    """Say nothing of how far a replay is."""


@dataclass(frozen=True)
class Engine:
    """A platform's folds over a log of its own."""

    urls: Urls
    log: Log
    vault: PostgresVault
    outbox: PostgresOutbox
    store: PostgresStore
    history: History
    models: ReadModels = READ_MODELS
    log_url: str = ""
    """Where the log is, if not beside the rows."""

    def append(self, events: Iterable[Recorded[Any]]) -> list[Entry]:
        """The events, in the log; gives them as they lie there."""
        entries = [entry(event, self.log.partitions) for event in events]
        self.log.append(entries)
        return entries

    def loop(self) -> Loop:
        """One that begins where the store is."""
        return Loop(Folds(self.models, self.vault), self.log, self.store)

    def fold(self) -> None:
        """Fold until nothing is left; the outbox rests."""
        loop = self.loop()
        loop.drain()

    def relay(self) -> int:
        """Append what the folds decided."""
        return relay(
            self.outbox,
            lambda posted: _done(receive_control(posted, START, vault=self.vault, log=self.log)),
        )

    def rebuild(self, progress: Progress = quietly) -> int:
        """As ``touchline rebuild``."""
        shadow = Shadow(self.urls.owner, "shadow")
        with self._beside(shadow) as (log, store):
            return rebuild(self._replaying, log, store, shadow, progress=progress)

    def verified(self) -> Verified:
        """As ``touchline verify``."""
        shadow = Shadow(self.urls.owner, "verify")
        shadow.make()
        try:
            with snapshot(self.urls.fold, LIVE) as live, self._beside(shadow) as (log, store):
                replay(self._replaying, log, store, live.checkpoints(), progress=quietly)
                with snapshot(self.urls.fold, shadow.schema) as replayed:
                    return verify(live, replayed, log)
        finally:
            shadow.drop()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What ``query``, by the owner, gives."""
        with psycopg.connect(self.urls.owner) as connection:
            connection.execute("SET search_path = live, touchline, public")
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def digests(self) -> dict[str, str]:
        """A digest of every live table that is a function of the log."""
        with snapshot(self.urls.fold, LIVE) as live:
            return {table: live.digest(table).digest for table in COMPARED}

    def account(self) -> Account:
        """What became of every record."""
        return account(self.urls.fold)

    def folding_with(self, *projections: AnyProjection) -> "Engine":
        """The same with other projections."""
        return replace(self, models=ReadModels(projections))

    @property
    def _replaying(self) -> Folds:
        return Folds(self.models, self.vault, is_replay=True)

    @contextmanager
    def _beside(self, shadow: Shadow) -> Iterator[tuple[Log, PostgresStore]]:
        with (
            closing(open_log(self.log_url or self.urls.fold)) as log,
            closing(PostgresStore(self.urls.fold, schema=shadow.schema)) as store,
        ):
            yield log, store


@contextmanager
def an_engine(
    urls: Urls, *, log_url: str = "", vault: PostgresVault | None = None
) -> Iterator[Engine]:
    """An engine over an empty log; closed after the block."""
    with ExitStack() as stack:
        if vault is None:
            vault = stack.enter_context(closing(PostgresVault(urls.fold, MASTER_KEY)))
        yield Engine(
            urls,
            stack.enter_context(closing(open_log(log_url or urls.fold))),
            vault,
            stack.enter_context(closing(PostgresOutbox(urls.fold))),
            stack.enter_context(closing(PostgresStore(urls.fold))),
            History(vault),
            log_url=log_url,
        )


def _done(_: object) -> None:
    return None
