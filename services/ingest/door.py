"""The door: what every route of ingest is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter

from services.clock import Clock
from services.edge.auth import Gate
from services.edge.keys import Key
from services.edge.limits import Limits
from services.ingest.accept import Producer, Raw
from services.ingest.receive import Received, receive
from services.log.port import Log
from services.vault.port import Vault


class IngestMetrics:
    """Counts of events; labels are few, since workspaces and types are many."""

    def __init__(self, registry: CollectorRegistry) -> None:
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
        producer = Producer(key.workspace, key.kind, key.key_id, key.region)
        received = receive(raws, producer, self.clock.now(), vault=self.vault, log=self.log)
        self.metrics.count(received)
        return received
