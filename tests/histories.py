"""Builders of events as the log holds them: each names what matters and defaults the rest."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from schemas import (
    CallEnded,
    CustomerIdentified,
    CustomerMerged,
    CustomerSplit,
    Data,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
)
from schemas.codec import encode
from schemas.envelope import Recorded, Trait, Unsealed
from services.fold.apply import Folds, apply
from services.fold.batch import Slice
from services.log.memory import MemoryLog
from services.log.port import CONTROL, Entry, partition_of
from services.projector.projections import PROJECTIONS
from services.store.memory import MemoryStore
from services.vault.memory import MemoryVault
from services.vault.port import Vault
from services.vault.seal import hash_identifier, seal

START = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = "shop"
_NUMBERS = itertools.count(1)


class History:
    """Events of one workspace, sealed by one vault, in the order in which they were told."""

    def __init__(self, vault: Vault | None = None) -> None:
        self.vault = vault or MemoryVault()
        self.events: list[Recorded[Data]] = []

    def hash(self, identifier: str) -> str:
        """The hash of ``kind:value``."""
        kind, _, value = identifier.partition(":")
        return hash_identifier(self.vault.hash_key, WORKSPACE, kind, value)

    def tell(
        self,
        data: Data,
        *identifiers: str,
        at: float = 0,
        id_: str = "",
        source: str = "test",
        key_kind: str = "write",
        personal: dict[str, Trait] | None = None,
        body: str = "",
    ) -> Recorded[Data]:
        """``data`` at ``at`` seconds after the start; ``body`` makes another digest under the same id."""
        named = sorted((self.hash(one), one) for one in identifiers)
        id_ = id_ or f"e-{next(_NUMBERS)}"
        sealed = None
        if named:
            key = self.vault.keys_for(WORKSPACE, [named[0][0]])[named[0][0]]
            plain = Unsealed(identifiers=tuple(one for _, one in named), personal=personal or {})
            bound_to = f"{WORKSPACE}\0{source}\0{id_}".encode()
            sealed = seal(key, msgspec.json.encode(plain), bound_to=bound_to)
        event = Recorded(
            workspace=WORKSPACE,
            id=id_,
            source=source,
            type=data.type,
            version=data.version,
            occurred_at=START + timedelta(seconds=at),
            received_at=START + timedelta(seconds=at),
            identifiers=tuple(one for one, _ in named),
            digest=blake2b(f"{id_}{body}".encode(), digest_size=16).hexdigest(),
            key_kind=key_kind,
            data=data,
            sealed=sealed,
            has_traits=bool(personal),
        )
        self.events.append(event)
        return event

    def bought(
        self,
        order_id: str,
        amount_minor: int,
        *identifiers: str,
        currency: str = "EUR",
        **more: object,
    ) -> None:
        """A purchase."""
        data = PurchaseCompleted(order_id=order_id, amount_minor=amount_minor, currency=currency)
        self.tell(data, *identifiers, **more)  # type: ignore[arg-type]

    def refunded(
        self,
        order_id: str,
        amount_minor: int,
        *identifiers: str,
        currency: str = "EUR",
        **more: object,
    ) -> None:
        """A refund."""
        data = PurchaseRefunded(order_id=order_id, amount_minor=amount_minor, currency=currency)
        self.tell(data, *identifiers, **more)  # type: ignore[arg-type]

    def cancelled(self, order_id: str, *identifiers: str, **more: object) -> None:
        """A cancellation."""
        self.tell(PurchaseCancelled(order_id=order_id), *identifiers, **more)  # type: ignore[arg-type]

    def called(self, *identifiers: str, **more: object) -> None:
        """A call."""
        self.tell(CallEnded(direction="inbound", duration_s=60), *identifiers, **more)  # type: ignore[arg-type]

    def described(self, traits: dict[str, Trait], *identifiers: str, **more: object) -> None:
        """A description that names the person."""
        self.tell(CustomerIdentified(), *identifiers, personal=traits, **more)  # type: ignore[arg-type]

    def merged(self, into: str, merged: str, *, at: float = 0) -> None:
        """A person joins two customers."""
        self.tell(
            CustomerMerged(into=self.hash(into), merged=self.hash(merged), by="test"),
            at=at,
            source="touchline",
        )

    def split(self, one: Sequence[str], other: Sequence[str], *, at: float = 0) -> None:
        """A person parts a customer in two."""
        data = CustomerSplit(
            one=tuple(map(self.hash, one)), other=tuple(map(self.hash, other)), by="test"
        )
        self.tell(data, at=at, source="touchline")


def entry(event: Recorded[Data], partitions: int) -> Entry:
    """``event`` as it is appended."""
    partition = partition_of(event.leaf, partitions) if event.identifiers else CONTROL
    return Entry(partition, encode(event))


def fold(
    events: Iterable[Recorded[Data]],
    vault: Vault,
    *,
    batches: Sequence[int] = (10_000,),
    partitions: int = 4,
) -> MemoryStore:
    """A store that has folded ``events``, in batches of these sizes in turn."""
    log, store = MemoryLog(partitions), MemoryStore()
    folds = Folds(PROJECTIONS, vault)
    sizes = itertools.cycle(batches)
    waiting = list(events)
    while waiting:
        size = next(sizes)
        head, waiting = waiting[:size], waiting[size:]
        positions = store.checkpoints()
        log.append([entry(event, partitions) for event in head])
        batch = []
        for partition, end in sorted(log.ends().items()):
            first = positions.get(partition, 0)
            if end > first:
                batch.append(Slice(partition, first, log.read(partition, first, end - first)))
        apply(folds, batch, store)
    return store
