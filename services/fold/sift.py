"""Sifting: what the events of a batch say, apart for each step of the fold that it concerns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from schemas import (
    AccessAudited,
    AlertAcknowledged,
    AlertClosed,
    AlertRaised,
    ClockTicked,
    CustomerErased,
    CustomerMerged,
    CustomerSplit,
    EventConflicted,
    EventQuarantined,
    EventVoided,
    FeedbackGiven,
    LifecycleChanged,
    ModelPromoted,
    PointsAdjusted,
    PointsExpiring,
    PointsRedeemed,
    PolicyPublished,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    RewardGranted,
    ScoreComputed,
    TierChanged,
    WorkspaceChanged,
    WorkspaceCreated,
)
from schemas.envelope import Rank, Recorded
from services.fold.orders import order_key
from services.fold.projection import Event
from services.fold.rules import rule_of
from services.fold.take import id_hash
from services.store.course import RuleRow
from services.store.port import Pair, SplitRow


@dataclass(slots=True)
class Sifted:
    """Events and what they name, each list in the batch's order."""

    by_leaf: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """Touches: what a customer did and what was done for them."""
    by_order: dict[str, list[Recorded[Any]]] = field(default_factory=lambda: defaultdict(list))
    """Purchases, refunds, cancellations, and what was taken back of them, by their order's key."""
    entries: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """What changes a balance and is no order's, by leaf; what was taken back of it too."""
    namings: dict[Pair, list[Rank]] = field(default_factory=lambda: defaultdict(list))
    """A leaf and what is named with it, or the two that a person joins → the events' ranks."""
    workspaces: dict[str, str] = field(default_factory=dict)
    """Every identifier that is named → its workspace."""
    splits: list[SplitRow] = field(default_factory=list)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    """Id and digest of events that lost."""
    quarantined: set[tuple[int, int]] = field(default_factory=set)
    """Partition and offset of records that an operator took out."""
    tick: datetime | None = None
    """The last minute that the clock told of."""
    rules: list[RuleRow] = field(default_factory=list)
    decisions: list[Event] = field(default_factory=list)
    """What the folds themselves decided, earlier."""
    regrouping: dict[str, Event] = field(default_factory=dict)
    """Workspace → the last merge or split in it."""

    @property
    def touches(self) -> int:
        """How many events are a customer's."""
        return sum(map(len, self.by_leaf.values())) + sum(map(len, self.entries.values()))


def sift(events: Iterable[Event]) -> Sifted:
    """Look at every event, once."""
    sifted = Sifted()
    by_leaf, namings = sifted.by_leaf, sifted.namings
    for event in events:
        special = _SPECIAL.get(type(event.data))
        if special:
            special(event, sifted)
        if special is None or type(event.data) in _TOUCHES_TOO:
            by_leaf[event.leaf].append(event)
            for other in event.recorded.identifiers[1:]:
                namings[event.leaf, other, False].append(event.rank)
    workspaces = sifted.workspaces
    for told in (sifted.by_leaf, sifted.entries):
        workspaces |= {leaf: events[0].recorded.workspace for leaf, events in told.items()}
    workspaces |= {other: workspaces[leaf] for leaf, other, _ in namings}
    return sifted


def _order(event: Event, sifted: Sifted) -> None:
    order_id: str = event.data.order_id  # type: ignore[union-attr, assignment]
    sifted.by_order[order_key(event.recorded.workspace, order_id)].append(event.recorded)


def _entry(event: Event, sifted: Sifted) -> None:
    sifted.entries[event.leaf].append(event)


def _voided(event: Event, sifted: Sifted) -> None:
    data: EventVoided = event.data  # type: ignore[assignment]
    if data.order_id:
        _order(event, sifted)
    else:
        sifted.entries[data.leaf].append(event)


def _merged(event: Event, sifted: Sifted) -> None:
    data: CustomerMerged = event.data  # type: ignore[assignment]
    a, b = sorted((data.into, data.merged))
    sifted.namings[a, b, True].append(event.rank)
    sifted.workspaces[a] = event.recorded.workspace
    sifted.regrouping[event.recorded.workspace] = event


def _split(event: Event, sifted: Sifted) -> None:
    data: CustomerSplit = event.data  # type: ignore[assignment]
    sides = tuple(sorted(data.one)), tuple(sorted(data.other))
    sifted.splits.append(SplitRow(event.recorded.workspace, event.rank, *sides))
    sifted.regrouping[event.recorded.workspace] = event


def _conflicted(event: Event, sifted: Sifted) -> None:
    lost: EventConflicted = event.data  # type: ignore[assignment]
    key = id_hash(event.recorded.workspace, lost.event_source, lost.event_id)
    sifted.conflicted.add((key, lost.lost_digest))


def _quarantined(event: Event, sifted: Sifted) -> None:
    taken_out: EventQuarantined = event.data  # type: ignore[assignment]
    sifted.quarantined.add((taken_out.partition, taken_out.offset))


def _ticked(event: Event, sifted: Sifted) -> None:
    at: datetime = event.data.ticked_at  # type: ignore[union-attr]
    sifted.tick = at if sifted.tick is None else max(at, sifted.tick)


def _ruled(event: Event, sifted: Sifted) -> None:
    if rule := rule_of(event):
        sifted.rules.append(rule)


def _decided(event: Event, sifted: Sifted) -> None:
    sifted.decisions.append(event)


def _noted(_event: Event, _sifted: Sifted) -> None:
    """Recorded for whoever asks the log; no fold of ours changes by it."""


_SPECIAL: Final[Mapping[type[Any], Callable[[Event, Sifted], None]]] = {
    PurchaseCompleted: _order,
    PurchaseRefunded: _order,
    PurchaseCancelled: _order,
    RewardGranted: _entry,
    FeedbackGiven: _entry,
    PointsRedeemed: _entry,
    PointsAdjusted: _entry,
    EventVoided: _voided,
    CustomerMerged: _merged,
    CustomerSplit: _split,
    EventConflicted: _conflicted,
    EventQuarantined: _quarantined,
    ClockTicked: _ticked,
    PolicyPublished: _ruled,
    WorkspaceCreated: _ruled,
    WorkspaceChanged: _ruled,
    LifecycleChanged: _decided,
    TierChanged: _decided,
    PointsExpiring: _decided,
    **dict.fromkeys(
        (
            AccessAudited,
            AlertAcknowledged,
            AlertClosed,
            AlertRaised,
            CustomerErased,
            ModelPromoted,
            ScoreComputed,
        ),
        _noted,
    ),
}
_TOUCHES_TOO: Final = frozenset(
    {PurchaseCompleted, PurchaseRefunded, PurchaseCancelled, RewardGranted, FeedbackGiven}
)
