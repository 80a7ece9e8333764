"""Events about events: taken back, in conflict, or set aside."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from schemas.fields import STRICT, Actor, Count, Digest, IdentifierHash, Label, Offset, OrderId

EventSource = Annotated[
    str, Field(min_length=1, max_length=200, description="The event's source, as recorded")
]
EventId = Annotated[
    str, Field(min_length=1, max_length=200, description="The event's id, as recorded")
]
Voidable = Literal[
    "purchase.completed",
    "purchase.refunded",
    "points.redeemed",
    "points.adjusted",
    "reward.granted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventVoided:
    """An entry was taken back; it may be told before the event that it names."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "event.voided"
    version: ClassVar[int] = 1

    event_source: EventSource
    event_id: EventId
    event_type: Voidable
    """Which entries can be taken back."""
    leaf: IdentifierHash
    """The strongest identifier of the event."""
    order_id: OrderId | None = None
    """The order that the event told of; purchases and refunds are found by it."""
    by: Actor
    reason: Label | None = None
    """Why, from a list."""

    def __post_init__(self) -> None:
        """A report of an order rests with its order."""
        if self.order_id is None and self.event_type.startswith("purchase."):
            msg = f"a void of {self.event_type} needs the order_id that it told of"
            raise ValueError(msg)

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Took back a {self.event_type} entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventConflicted:
    """One id came with two bodies; the first stands, and this names the loser."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "event.conflicted"
    version: ClassVar[int] = 1

    event_source: EventSource
    event_id: EventId
    kept_digest: Digest
    """Of the body that stands."""
    lost_digest: Digest
    """Of the body that is ignored, now and in every rebuild."""
    leaf: IdentifierHash | None = None
    """The strongest identifier of the loser."""
    partition: Count | None = None
    """Where in the log the loser is."""
    offset: Offset | None = None
    """Where in its partition the loser is."""

    def summary(self) -> str:
        """One line for the timeline."""
        return "Sent one event id with two bodies; the first stands"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuarantined:
    """A record is left out of all folds, so that they can go on."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "event.quarantined"
    version: ClassVar[int] = 1

    partition: Count
    """The record's partition in the log."""
    offset: Offset
    by: Actor
    reason: Label | None = None
    """Why, from a list."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Record {self.partition}:{self.offset} was quarantined"
