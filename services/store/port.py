"""The store: rows that folds write, one transaction a batch, together with how far they came."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from schemas.envelope import Rank
from services.store.course import CourseChanges, Courses
from services.store.seen import SeenIndex

Row: TypeAlias = tuple[object, ...]
Pair: TypeAlias = tuple[str, str, bool]
"""Two identifiers, the stronger first, and whether a person joined them."""
Naming: TypeAlias = tuple[str, str, bool, Rank]
"""A pair, and the event that named it."""
EncodedFacts: TypeAlias = tuple[str, bytes]
"""Workspace, and what a projection knows of one leaf."""


class Identifier(NamedTuple):
    """A known identifier; ``value`` is plain, None once it was erased."""

    identifier: str
    workspace: str
    kind: str
    value: str | None
    customer_id: str
    is_common: bool


class EdgeRow(NamedTuple):
    """A pair's first naming; ``a`` is the stronger identifier."""

    a: str
    b: str
    is_merge: bool
    workspace: str
    rank: Rank
    is_refused: bool

    @property
    def pair(self) -> Pair:
        """What its row is found by."""
        return self.a, self.b, self.is_merge


class SplitRow(NamedTuple):
    """From ``rank`` back nothing joins ``one`` and ``other``."""

    workspace: str
    rank: Rank
    one: tuple[str, ...]
    other: tuple[str, ...]


class OrderRow(NamedTuple):
    """All that was told of one order; ``facts`` is encoded by the folds."""

    order_key: str
    workspace: str
    order_id: str
    facts: bytes
    leaf: str | None = None
    """Whose it is; None until a purchase is told."""


class Tally(NamedTuple):
    """What became of the records of one workspace in one partition."""

    applied: int = 0
    duplicate: int = 0
    dead_lettered: int = 0


class Letter(NamedTuple):
    """A record that could not be taken in, sealed, with the reason."""

    workspace: str
    origin: str
    partition: int | None
    offset: int | None
    source: str | None
    event_id: str | None
    type: str | None
    reason: str
    field: str | None
    key_id: str
    ciphertext: bytes


@dataclass(slots=True)
class Changes:
    """All that one batch writes; a table's name gives its rows, whole."""

    identifiers: dict[str, Identifier] = field(default_factory=dict)
    edges: dict[Pair, EdgeRow] = field(default_factory=dict)
    namings: list[Naming] = field(default_factory=list)
    """Later namings of pairs."""
    splits: list[SplitRow] = field(default_factory=list)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    facts: dict[str, dict[str, EncodedFacts]] = field(default_factory=dict)
    """Projection → leaf → its facts."""
    views: dict[str, dict[str, Row]] = field(default_factory=dict)
    """View table → customer_id → the row's columns as the projection names them."""
    new_customers: set[str] = field(default_factory=set)
    """Customer ids that no stored identifier is of: there are no view rows of them yet."""
    regrouped: AbstractSet[str] = frozenset()
    """Customers that identifiers came to or left, for those who read behind the folds."""
    gone: dict[str, AbstractSet[str]] = field(default_factory=dict)
    """View table → customer ids whose rows are to be deleted: their groups have no facts now."""
    skipped: list[tuple[int, int, str]] = field(default_factory=list)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    quarantined: set[tuple[int, int]] = field(default_factory=set)
    letters: list[Letter] = field(default_factory=list)
    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)
    course: CourseChanges = field(default_factory=CourseChanges)
    advance: dict[int, int] = field(default_factory=dict)
    """Partition → its next offset once this is committed."""
    touches: int = 0
    """Events of customers among the records; all others are decisions, ticks and commands."""


class Transaction(Protocol):
    """What the batch handler asks while a transaction is open, and at last writes."""

    @property
    def courses(self) -> Courses:
        """What is asked for the courses."""

    @property
    def seen(self) -> SeenIndex:
        """Which ids were recorded before."""

    def claim(self, expected: Mapping[int, int]) -> None:
        """Lock the checkpoints of these partitions.

        Raises ``NotOurs`` where one isn't at its expected offset.
        """

    def conflicted(self, id_hashes: Collection[str]) -> Collection[tuple[str, str]]:
        """Which (id, digest) of these are recorded to have lost."""

    def quarantined(self, partitions: Collection[int]) -> Collection[tuple[int, int]]:
        """The (partition, offset) that an operator took out."""

    def groups_of(self, hashes: Collection[str]) -> Mapping[str, Identifier]:
        """Those of ``hashes`` that are known, and all others of the same customers."""

    def edges_between(self, pairs: Collection[Pair]) -> Sequence[EdgeRow]:
        """Those of ``pairs`` that were named before."""

    def edges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """Every edge that has an end among ``hashes``."""

    def merges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """Every merge that has an end among ``hashes``."""

    def joined_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """The edges that joined something and whose stronger end is among ``hashes``."""

    def namings_at(self, hashes: Collection[str]) -> Sequence[Naming]:
        """Later namings of pairs whose stronger end is among ``hashes``."""

    def has_splits(self) -> bool:
        """Whether any split was ever asked for."""

    def splits_at(self, hashes: Collection[str]) -> Sequence[SplitRow]:
        """Every split that names one of ``hashes``."""

    def orders(self, order_keys: Collection[str]) -> Mapping[str, OrderRow]:
        """Those of ``order_keys`` that are known."""

    def facts(self, projection: str, leaves: Collection[str]) -> Mapping[str, bytes]:
        """Encoded facts by leaf, of those that have any."""

    def save(self, changes: Changes) -> None:
        """Write everything of one batch and advance its checkpoints."""


class Store(Protocol):
    """What folds ask of a store; every adapter passes ``tests/contract/store.py``."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits when the block ends, leaves no trace when it raises.

        Raises ``Unavailable`` where the database is away, and where another worker was in the way
        (a serialization failure, a deadlock): the batch is then applied again.
        """

    def checkpoints(self) -> Mapping[int, int]:
        """Every partition's next offset."""

    def close(self) -> None:
        """Give the connection back; the store is not used afterwards."""
