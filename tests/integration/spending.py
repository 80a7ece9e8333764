"""A shop whose customers spend points: commands, relay and folds, each run when a test asks."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import msgspec
import psycopg

from schemas import CustomerMerged
from schemas.rules import loyalty
from services.commands.control import formed
from services.commands.loyalty import Points
from services.commands.once import Asked
from services.commands.policies import Draft, Policies
from services.commands.relay import relay
from services.commands.ticker import EVERYWHERE, ticked
from services.commands.voids import Voids
from services.commands.workspaces import WorkspaceOrder, create_workspace
from services.fold.apply import Folds
from services.fold.loop import Loop
from services.ingest.accept import Producer
from services.ingest.receive import receive, receive_control
from services.log.postgres import PostgresLog
from services.projector.projections import READ_MODELS
from services.projector.projections.loyalty.model import LEDGER, LOYALTY
from services.store.decisions import PostgresDecisions
from services.store.outbox import PostgresOutbox
from services.store.postgres import PostgresStore
from services.store.postgres_balances import PostgresBalances
from services.store.postgres_tenants import PostgresTenants
from services.store.urls import Urls
from services.vault.postgres import PostgresVault
from services.vault.seal import hash_identifier

WORKSPACE: Final = "shop"
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MASTER_KEY: Final = bytes(range(32))
_NUMBERS = count(1)


@dataclass
class Watch:
    """A clock that a test sets."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def passes(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass
class Till:
    """Where points are spent."""

    urls: Urls
    clock: Watch
    log: PostgresLog
    vault: PostgresVault
    outbox: PostgresOutbox
    store: PostgresStore
    balances: PostgresBalances
    decisions: PostgresDecisions
    _loop: Loop | None = field(default=None)

    @property
    def points(self) -> Points:
        """The commands as a process has them that has just begun."""
        return Points(self.balances, (LOYALTY, LEDGER), self.log, self.clock)

    @property
    def voids(self) -> Voids:
        """The same; waits for nothing."""
        return Voids(self.balances, self.decisions, self.log, self.clock, patience_s=0)

    def asked(self, key: str | None = None) -> Asked:
        """Somebody who asks under ``key``, by default one of its own."""
        return Asked(WORKSPACE, "test", key or f"k-{next(_NUMBERS)}")

    def redeem(self, who: str, points: int, key: str | None = None) -> str:
        """Spend; the redemption's id."""
        return self.points.redeem(self.asked(key), self.hash(who), points).id

    def earned(self, who: str, points: int) -> None:
        """Let a customer have points, folded."""
        self.tell(self.event("call.ended", who, direction="inbound", duration_s=1))
        self.fold()
        self.points.adjust(self.asked(), self.hash(who), points, "given")
        self.work()

    def hash(self, who: str) -> str:
        """The hash of an identifier."""
        kind, _, value = who.partition(":")
        return hash_identifier(self.vault.hash_key, WORKSPACE, kind, value)

    def event(self, type_: str, *who: str, **data: Any) -> bytes:
        """An event of now, as posted."""
        named = {name: data.pop(name) for name in ("id", "occurred_at") if name in data}
        event = {"id": f"e-{next(_NUMBERS)}", "occurred_at": self.clock.now()} | named
        return msgspec.json.encode(
            event | {"source": "shop", "type": type_, "identifiers": who, "data": data}
        )

    def bought(self, order_id: str, amount_minor: int, who: str, **named: Any) -> bytes:
        """A purchase in euros."""
        data = {"order_id": order_id, "amount_minor": amount_minor, "currency": "EUR"}
        return self.event("purchase.completed", who, **data, **named)

    def refunded(self, order_id: str, amount_minor: int, who: str, **named: Any) -> bytes:
        """Money given back of an order."""
        data = {"order_id": order_id, "amount_minor": amount_minor, "currency": "EUR"}
        return self.event("purchase.refunded", who, **data, **named)

    def tell(self, *events: bytes) -> None:
        """Append what a server posted."""
        producer = Producer(WORKSPACE, "write", "k_test", "DE")
        now = max(self.clock.now(), datetime(2026, 1, 1, tzinfo=UTC))
        done = receive(events, producer, now, vault=self.vault, log=self.log)
        assert not done.rejected, done.rejected

    def merge(self, into: str, merged: str) -> None:
        """Append that two customers are one."""
        data = CustomerMerged(into=self.hash(into), merged=self.hash(merged), by="test")
        self.append([(WORKSPACE, formed(data, self.clock))])

    def tick(self) -> None:
        """Let the folds know of this minute."""
        self.append([(EVERYWHERE, ticked(self.clock.now().replace(second=0, microsecond=0)))])
        self.fold()

    def publish(self, **changes: Any) -> None:
        """Let the default loyalty rules, changed, hold from the beginning."""
        self.work()
        policies = Policies(
            self.decisions, self.decisions, self.log, self.clock,
            balances=self.balances, tested=lambda *_: None, patience_s=0,
        )  # fmt: skip
        rules = {**loyalty.default_rules(), **changes}
        policies.publish(self.asked(), Draft("loyalty", "default", rules))
        self.work()

    def relay(self) -> int:
        """Append some of what was decided."""
        return relay(self.outbox, self.append)

    def append(self, posted: Sequence[tuple[str, bytes]]) -> None:
        """As the relay does."""
        receive_control(posted, self.clock.now(), vault=self.vault, log=self.log)

    @property
    def loop(self) -> Loop:
        """The folds; a new one begins where the store is."""
        if self._loop is None:
            self._loop = Loop(Folds(READ_MODELS, self.vault), self.log, self.store)
        return self._loop

    def restart(self) -> None:
        """Let the engine be another process from now on."""
        self.store.close()
        self.outbox.close()
        self._loop = None

    def fold(self) -> None:
        """Fold until nothing is left."""
        self.loop.drain()

    def work(self) -> None:
        """Relay and fold until nothing is left."""
        while self.relay() or self.loop.once():
            pass
        self.loop.drain()

    def balance(self, who: str) -> int:
        """Of a customer, as far as it is folded."""
        found = self.rows(
            "SELECT loyalty.balance FROM live.loyalty JOIN live.identifier USING (customer_id)"
            " WHERE identifier = %s::uuid",
            self.hash(who),
        )
        return int(found[0][0])

    def spent(self) -> int:
        """Points of all redemptions that count, as the ledger has them."""
        return len(
            self.rows("SELECT FROM live.ledger WHERE type = 'points.redeemed' AND NOT is_void")
        )

    def waiting(self) -> int:
        """Points that are decided on and not folded."""
        query = "SELECT coalesce(sum(points), 0) FROM touchline.pending_redemption"
        return int(self.rows(query)[0][0])

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the owner sees."""
        with psycopg.connect(self.urls.owner) as connection:
            return connection.execute(query.encode(), parameters).fetchall()


@contextmanager
def a_till(urls: Urls) -> Iterator[Till]:
    """A till of an open shop; closed after the block."""
    with ExitStack() as stack:
        tenants = stack.enter_context(closing(PostgresTenants(urls.fold)))
        create_workspace(WorkspaceOrder(WORKSPACE, region="DE"), tenants, START, by="test")
        yield Till(
            urls,
            Watch(),
            stack.enter_context(closing(PostgresLog(urls.fold))),
            stack.enter_context(closing(PostgresVault(urls.fold, MASTER_KEY))),
            stack.enter_context(closing(PostgresOutbox(urls.fold))),
            stack.enter_context(closing(PostgresStore(urls.fold))),
            stack.enter_context(closing(PostgresBalances(urls.query))),
            stack.enter_context(closing(PostgresDecisions(urls.query))),
        )
