"""The dispatch for tests: a till whose decisions are queued and sent, each when a test asks."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from standardwebhooks import Webhook

from schemas import LifecycleChanged
from services.commands.deliveries import Deliveries
from services.commands.targets import Draft, Made, Targets
from services.fold.decisions import decision
from services.scoring.deliver.courier import Courier
from services.scoring.deliver.feed import feed_once
from services.scoring.deliver.mail import Mailer, Server
from services.scoring.deliver.post import Answer, Poster
from services.scoring.deliver.sender import Sender
from services.store.deliveries import Due
from services.store.postgres_deliveries import PostgresDeliveries
from services.store.postgres_targets import PostgresTargets
from services.store.targets import DeliveryRow, Sought
from services.store.urls import Urls
from tests.integration.receiving import PATIENCE_S, Received
from tests.integration.spending import WORKSPACE, Till, a_till

ALL: Final = ("lifecycle.changed", "tier.changed", "points.expiring", "alert.raised")
Resolve = Callable[[str, int], Sequence[str]]


def loopback(host: str, port: int) -> Sequence[str]:
    """Every name is this machine, as a receiver of tests is."""
    return ["127.0.0.1"]


@dataclass
class Dispatch:
    """Targets of a shop, and what sends to them."""

    till: Till
    store: PostgresTargets
    queue: PostgresDeliveries
    targets: Targets
    deliveries: Deliveries
    courier: Courier
    sender: Sender

    def target(self, address: str, kind: str = "webhook", **more: Any) -> Made:
        """A target that is told of everything."""
        draft = Draft(kind=kind, address=address, **{"types": ALL, **more})
        return self.targets.create(WORKSPACE, draft)

    def decide(self, *ids: str, who: str = "user:1", **more: Any) -> None:
        """Let the log say what was decided about a customer, and the folds take it in."""
        self.till.tell(self.till.event("call.ended", who, direction="inbound", duration_s=1))
        for id_ in ids:
            self.till.append([(WORKSPACE, self.decided(id_, who, **more))])
        self.till.fold()

    def decided(
        self, id_: str, who: str, *, ago: timedelta = timedelta(), **more: Any
    ) -> bytes:  # fmt: skip
        about = self.till.hash(who)
        data = LifecycleChanged(
            customer_id=about, machine="test", stage="at_risk", policy_version=1, **more
        )
        at = self.till.clock.now() - ago
        return decision(data, id_=id_, occurred_at=at, identifiers=[about])

    def feed(self) -> None:
        """Queue what was decided."""
        while feed_once(self.till.log, self.queue, self.till.clock.now()):
            pass

    def send(self) -> None:
        """Send what is due now."""
        while self.courier.turn():
            assert self.courier.is_idle(PATIENCE_S)

    def rows(self, **sought: Any) -> list[DeliveryRow]:
        """Deliveries of decisions made here, oldest first."""
        found = self.deliveries.page(WORKSPACE, Sought(limit=10_000, **sought))
        return [row for row in reversed(found) if not row.event_id.startswith("test-")]

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]


@contextmanager
def dispatching(
    urls: Urls,
    *,
    may_be_private: bool = True,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    attempt_s: float = 5.0,
    server: Server | None = None,
    threads: int = 8,
) -> Iterator[Dispatch]:
    """A dispatch at this very minute, as receivers see it."""
    with ExitStack() as stack:
        till = stack.enter_context(a_till(urls))
        till.clock.at = datetime.now(UTC).replace(microsecond=0)
        till.work()
        store, queue = PostgresTargets(urls.query), PostgresDeliveries(urls.fold)
        targets = Targets(store, till.vault, till.log, till.clock, may_be_private=may_be_private)
        poster = Poster(
            till.clock,
            may_be_private=may_be_private,
            tls=tls,
            attempt_s=attempt_s,
            **({} if resolve is None else {"resolve": resolve}),
        )
        mailer = Mailer(server, till.clock, tls=tls)
        sender = Sender(till.vault, poster, mailer, console="https://touchline.example.org")
        courier = Courier(
            queue, sender.send, till.clock,
            threads=threads, unproven=threads // 2, chance=lambda: 0.5,
        )  # fmt: skip
        for resource in (store, queue, courier):
            stack.callback(resource.close)
        deliveries = Deliveries(store, targets, till.clock)
        yield Dispatch(till, store, queue, targets, deliveries, courier, sender)


@contextmanager
def at_the_hour_of(till: Till) -> Iterator[None]:
    """Let the library that verifies look at the test's clock."""

    class At(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return till.clock.now()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("standardwebhooks.webhooks.datetime", At)
        yield


def verified(request: Received, secret: str) -> Any:
    """The payload, if the library says that it is ours."""
    return Webhook(secret).verify(request.body, request.headers)


def told(dispatch: Dispatch, *ids: str) -> None:
    """Decide and queue."""
    dispatch.decide(*ids)
    dispatch.feed()


def failing(dispatch: Dispatch) -> str:
    """Why the one delivery that there is was not taken."""
    (row,) = dispatch.rows()
    assert (row.state, row.attempts) == ("waiting", 1)
    return str(row.problem)


class Killed(BaseException):
    """The process ends here."""


def killing(dispatch: Dispatch) -> Callable[[Due, datetime], Answer]:
    """Sends, and is killed before that can be written down."""

    def send(due: Due, at: datetime) -> Answer:
        dispatch.sender.send(due, at)
        raise Killed

    return send
