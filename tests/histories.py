"""Builders of events as the log holds them: each names what matters and defaults the rest."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

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
    appendable_by,
)
from schemas.codec import encode
from schemas.custom import Custom
from schemas.envelope import FREE_TEXT, Posted, Recorded, Trait, Unsealed
from services.fold.apply import Folds, apply
from services.fold.due import settle_due
from services.fold.loop import read_batch
from services.log.memory import MemoryLog
from services.log.port import CONTROL, Entry, partition_of
from services.projector.projections import READ_MODELS
from services.store.memory import MemoryStore
from services.vault.memory import MemoryVault
from services.vault.port import Vault
from services.vault.seal import hash_identifier, seal

START = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = "shop"


class Step(NamedTuple):
    """One thing that happens, before there is a history to happen in."""

    verb: str
    """A method of ``History``."""
    arguments: tuple[Any, ...] = ()
    named: tuple[str, ...] = ()
    """Whom it names; none where the arguments say it."""
    more: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        positional = map(repr, (*self.arguments, *self.named))
        named = (f"{name}={one!r}" for name, one in self.more.items())
        return f"{self.verb}({', '.join([*positional, *named])})"


class History:
    """Events of one workspace, sealed by one vault, in the order in which they were told.

    All but keys and ciphertexts is the same in every run: hashes and ids decide who comes first.
    """

    def __init__(self, vault: Vault | None = None, *, steps: Iterable[Step] = ()) -> None:
        if vault is None:
            vault = MemoryVault()
            vault.hash_key = b"the same in every run, 32 bytes."
        self.vault = vault
        self.events: list[Recorded[Data]] = []
        for step in steps:
            getattr(self, step.verb)(*step.arguments, *step.named, **step.more)

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
        personal: Mapping[str, Trait] | None = None,
        body: str = "",
    ) -> Recorded[Data]:
        """``data`` at ``at`` seconds after the start; ``body`` makes another digest."""
        named = sorted((self.hash(one), one) for one in identifiers)
        id_ = id_ or f"e-{len(self.events) + 1}"
        source = f"browser/k_1/{source}" if key_kind == "browser" else source
        personal = dict(personal or {})
        sealed = None
        # What the platform says holds hashes alone, and nothing to seal.
        if named and key_kind != "platform":
            key = self.vault.keys_for(WORKSPACE, [named[0][0]])[named[0][0]]
            plain = Unsealed(identifiers=tuple(one for _, one in named), personal=personal)
            bound_to = f"{WORKSPACE}\0{source}\0{id_}".encode()
            sealed = seal(key, msgspec.json.encode(plain), bound_to=bound_to)
        type_ = f"custom.{data.name}" if isinstance(data, Custom) else data.type
        event = Recorded(
            workspace=WORKSPACE,
            id=id_,
            source=source,
            type=type_,
            version=data.version,
            occurred_at=START + timedelta(seconds=at),
            received_at=START + timedelta(seconds=at),
            identifiers=tuple(one for one, _ in named),
            digest=blake2b(f"{id_}{body}".encode(), digest_size=16).hexdigest(),
            key_kind=key_kind,
            data=data,
            sealed=sealed,
            has_traits=isinstance(data, CustomerIdentified) or not personal.keys() <= FREE_TEXT,
        )
        self.events.append(event)
        return event

    def bought(
        self,
        order_id: str,
        amount_minor: int,
        *identifiers: str,
        currency: str = "EUR",
        channel: str | None = None,
        **more: Any,
    ) -> None:
        """A purchase."""
        data = PurchaseCompleted(
            order_id=order_id, amount_minor=amount_minor, currency=currency, channel=channel
        )
        self.tell(data, *identifiers, **more)

    def refunded(
        self,
        order_id: str,
        amount_minor: int,
        *identifiers: str,
        currency: str = "EUR",
        **more: Any,
    ) -> None:
        """A refund."""
        data = PurchaseRefunded(order_id=order_id, amount_minor=amount_minor, currency=currency)
        self.tell(data, *identifiers, **more)

    def cancelled(self, order_id: str, *identifiers: str, **more: Any) -> None:
        """A cancellation."""
        self.tell(PurchaseCancelled(order_id=order_id), *identifiers, **more)

    def called(self, *identifiers: str, **more: Any) -> None:
        """A call."""
        self.tell(CallEnded(direction="inbound", duration_s=60), *identifiers, **more)

    def described(self, traits: Mapping[str, Trait], *identifiers: str, **more: Any) -> None:
        """A description that names the person."""
        self.tell(CustomerIdentified(), *identifiers, personal=traits, **more)

    def classified(self, traits: dict[str, Trait], *identifiers: str, **more: Any) -> None:
        """A description that names nobody."""
        self.tell(CustomerIdentified(traits=traits), *identifiers, **more)

    def exampled(self, example: Posted[Any], *identifiers: str, **more: Any) -> None:
        """An example of the catalogue, told of others than it names; control events name nobody."""
        data = Custom(name=example.data.name) if isinstance(example.data, Custom) else example.data
        if appendable_by(example.type) == "control":
            named = identifiers if example.identifiers else ()
            self.tell(data, *named, source="touchline", **more | {"key_kind": "platform"})
        else:
            self.tell(data, *identifiers, personal=example.personal, **more)  # type: ignore[arg-type]

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
    """A store that has folded ``events``, in batches of these sizes in turn.

    Of each size that three divides as a part of a backlog: whom it touches is settled later.
    """
    log, store = MemoryLog(partitions), MemoryStore()
    folds = Folds(READ_MODELS, vault)
    sizes = itertools.cycle(batches)
    waiting = list(events)
    while waiting:
        size = next(sizes)
        head, waiting = waiting[:size], waiting[size:]
        log.append([entry(event, partitions) for event in head])
        batch = read_batch(log, store.checkpoints(), log.ends())
        apply(folds, batch, store, is_backlog=size % 3 == 0)
    while settle_due(folds, store):
        pass
    return store


def rows(store: MemoryStore) -> dict[str, list[bytes]]:
    """Every row that the law is about, as bytes, in order."""
    tables = store.tables
    found: dict[str, Iterable[Sequence[object]]] = {
        "identifier": tables.identifiers.values(),
        "edge": tables.edges.values(),
        "edge_again": tables.namings,
        "split": tables.splits,
        "purchase_order": tables.orders.values(),
        "rule": tables.courses.rules,
        "ledger": tables.courses.ledger.values(),
        **{name: _keyed(table) for name, table in tables.facts.items()},
        **{name: _keyed(table) for name, table in tables.views.items()},
    }
    return {name: sorted(map(_ENCODE, table)) for name, table in found.items()}


def _keyed(table: Mapping[str, Sequence[object]]) -> Iterable[Sequence[object]]:
    return [(key, *row) for key, row in table.items()]


_ENCODE = msgspec.json.Encoder(order="sorted").encode
