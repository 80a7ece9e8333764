"""A projection as data: how facts of one leaf grow, join with other leaves', and become a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import msgspec

from schemas import CustomerIdentified, Data
from schemas.envelope import Rank, Recorded, Trait
from services.fold.orders import Settled
from services.store.port import Identifier

Facts = TypeVar("Facts")


class Event(msgspec.Struct, frozen=True, gc=False):
    """What a fold sees of an event: no offset, and no time but the producer's."""

    recorded: Recorded[Data]
    data: Data
    """Typed by the event's type."""
    leaf: str
    """Where its facts live; empty where a control event names nobody."""
    rank: Rank
    """Its place in the canonical order."""
    traits: Mapping[str, Trait]
    """What it says of the customer; those that name a person only once they are opened."""

    @classmethod
    def of(cls, recorded: Recorded[Data]) -> Self:
        """The event with the traits that lie open."""
        data, named = recorded.data, recorded.identifiers
        return cls(
            recorded,
            data,
            named[0] if named else "",
            (recorded.occurred_at, recorded.source, recorded.id),
            data.traits if isinstance(data, CustomerIdentified) else _NONE,
        )

    def described(self, traits: Mapping[str, Trait]) -> Self:
        """The same with ``traits`` that were sealed, which win over those that lay open."""
        return msgspec.structs.replace(self, traits={**self.traits, **traits})

    @property
    def family(self) -> str:
        """The first part of its type."""
        return self.recorded.type.partition(".")[0]


@dataclass(frozen=True, slots=True)
class View(Generic[Facts]):
    """A table keyed by customer."""

    table: str
    columns: tuple[str, ...]
    """Those after ``customer_id`` and ``workspace``."""
    settle: Callable[[Facts, Sequence[Identifier]], Mapping[str, object]]
    """The columns of a customer with these merged facts and identifiers."""


@dataclass(frozen=True, slots=True)
class Projection(Generic[Facts]):
    """Pure functions and the tables they fill.

    The law: for one set of events, any order, batches and partitions give the same rows, byte for
    byte.
    """

    name: str
    """The table of its facts, keyed by leaf."""
    version: int
    """Raised when the same events give other rows: run `touchline rebuild` then."""
    initial: Facts
    evolve: Callable[[Facts, Event], Facts]
    reorder: Callable[[Facts, Settled | None, Settled | None], Facts]
    """The facts once an order of the leaf counts as the latter where it counted as the former."""
    merge: Callable[[Facts, Facts], Facts]
    view: View[Facts] | None = None
    """What is shown of them; none where a course does that."""

    def encode(self, facts: Facts) -> bytes:
        """The facts' bytes; equal facts are equal bytes."""
        return _ENCODER.encode(facts)

    def decoder(self) -> Callable[[bytes], Facts]:
        """Reads what ``encode`` wrote."""
        return msgspec.msgpack.Decoder(type(self.initial)).decode


_NONE: Mapping[str, Trait] = {}
_ENCODER = msgspec.msgpack.Encoder(order="sorted")
AnyProjection = Projection[Any]
