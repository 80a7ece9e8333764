"""Sifting: what the events of a batch say, apart for each step of the fold that it concerns."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import (
    CustomerMerged,
    CustomerSplit,
    EventConflicted,
    EventQuarantined,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
)
from schemas.envelope import Rank, Recorded
from services.fold.orders import order_key
from services.fold.projection import Event
from services.fold.take import id_hash
from services.store.port import Pair, SplitRow

_TELLS_OF_ORDERS: Final = (PurchaseCompleted, PurchaseRefunded, PurchaseCancelled)
_CONTROLS: Final = (CustomerMerged, CustomerSplit, EventConflicted, EventQuarantined)


@dataclass(slots=True)
class Sifted:
    """Events and what they name, each list in the batch's order."""

    by_leaf: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    by_order: dict[str, list[Recorded[Any]]] = field(default_factory=lambda: defaultdict(list))
    """Purchases, refunds and cancellations by their order's key."""
    namings: dict[Pair, list[Rank]] = field(default_factory=lambda: defaultdict(list))
    """A leaf and what is named with it, or the two that a person joins → the events' ranks."""
    workspaces: dict[str, str] = field(default_factory=dict)
    """Every identifier that is named → its workspace."""
    splits: list[SplitRow] = field(default_factory=list)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    """Id and digest of events that lost."""
    quarantined: set[tuple[int, int]] = field(default_factory=set)
    """Partition and offset of records that an operator took out."""


def sift(events: Iterable[Event]) -> Sifted:
    """Look at every event, once."""
    sifted = Sifted()
    by_leaf, by_order, namings = sifted.by_leaf, sifted.by_order, sifted.namings
    for event in events:
        recorded, data, leaf = event.recorded, event.data, event.leaf
        if leaf:
            by_leaf[leaf].append(event)
            for other in recorded.identifiers[1:]:
                namings[leaf, other, False].append(event.rank)
        if isinstance(data, _TELLS_OF_ORDERS):
            by_order[order_key(recorded.workspace, data.order_id)].append(recorded)
        elif isinstance(data, _CONTROLS):
            _control(event, sifted)
    workspaces = sifted.workspaces
    workspaces |= {leaf: told[0].recorded.workspace for leaf, told in by_leaf.items()}
    workspaces |= {other: workspaces[leaf] for leaf, other, _ in namings}
    return sifted


def _control(event: Event, sifted: Sifted) -> None:
    """What a control event says to the batch handler itself."""
    workspace = event.recorded.workspace
    match event.data:
        case CustomerMerged(into=into, merged=merged):
            a, b = sorted((into, merged))
            sifted.namings[a, b, True].append(event.rank)
            sifted.workspaces[a] = workspace
        case CustomerSplit(one=one, other=other):
            sides = tuple(sorted(one)), tuple(sorted(other))
            sifted.splits.append(SplitRow(workspace, event.rank, *sides))
        case EventConflicted() as lost:
            key = id_hash(workspace, lost.event_source, lost.event_id)
            sifted.conflicted.add((key, lost.lost_digest))
        case EventQuarantined() as taken_out:
            sifted.quarantined.add((taken_out.partition, taken_out.offset))
        case _:
            pass
