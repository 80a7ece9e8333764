"""The door: what every route of ingest is given."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry, Counter

from services.clock import Clock
from services.edge.auth import Gate
from services.edge.keys import Key
from services.edge.limits import Limits
from services.ingest.accept import Producer, Raw, Rejected
from services.ingest.inbox_metrics import InboxMetrics
from services.ingest.peek import peek
from services.ingest.receive import Received, receive_each
from services.ingest.sources.mapped import Mapped
from services.log.port import Log
from services.vault.port import Vault


class IngestMetrics:
    """Counts of events; labels are few, since workspaces and types are many."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.inboxes = InboxMetrics(registry)
        self._accepted = Counter(
            "touchline_ingest_accepted_events",
            "Events that became durable, repetitions included.",
            registry=registry,
        )
        self._rejected = Counter(
            "touchline_ingest_rejected_events",
            "Events that were refused at the edge, by reason.",
            ("reason",),
            registry=registry,
        )

    def count(self, received: Received) -> None:
        """Count what became of a request's events."""
        self._accepted.inc(len(received.accepted))
        for rejected in received.rejected:
            self._rejected.labels(rejected.reason).inc()


@dataclass(frozen=True, slots=True)
class Door:
    """What ingest is built from; made once, by the composition root."""

    log: Log
    vault: Vault
    gate: Gate
    clock: Clock
    limits: Limits
    metrics: IngestMetrics

    def receive(self, key: Key, raws: Sequence[Raw]) -> Received:
        """Take ``raws`` from who holds ``key``, whatever dialect they came in; waits for the disk.

        Raises ``Unavailable``; then the sender should send the same again.
        """
        return self.receive_each([(key, raws)])[0]

    def receive_each(self, requests: Sequence[tuple[Key, Sequence[Raw]]]) -> Sequence[Received]:
        """``receive`` for several requests that become durable together."""
        each = receive_each(
            [(_producer(key), raws) for key, raws in requests],
            self.clock.now(),
            vault=self.vault,
            log=self.log,
        )
        for received in each:
            self.metrics.count(received)
        return each

    def receive_mapped(self, key: Key, events: Sequence[Mapped]) -> Received:
        """``receive`` for events of another dialect; what could not be mapped is rejected."""
        good = [index for index, event in enumerate(events) if event.problem is None]
        unmapped = [
            Rejected(index, peek(event.raw).id, event.problem, "invalid")
            for index, event in enumerate(events)
            if event.problem is not None
        ]
        received = self.receive(key, [events[index].raw for index in good])
        self.metrics.count(Received((), unmapped, {}))
        refused = [replace(one, index=good[one.index]) for one in received.rejected]
        return Received(
            [replace(one, index=good[one.index]) for one in received.accepted],
            sorted([*unmapped, *refused], key=lambda one: one.index),
            received.position,
        )


def _producer(key: Key) -> Producer:
    return Producer(key.workspace, key.kind, key.key_id, key.region)
