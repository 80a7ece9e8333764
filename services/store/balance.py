"""Balances: what commands ask of a customer's points, and what they leave, in one transaction."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from services.store.course import LedgerRow, RuleRow


class Moved(Exception):
    """Identifiers came to the customer, or left, between the lock and the look: begin again."""


class Account(NamedTuple):
    """A customer's points in one snapshot; nobody else decides on them until the block ends."""

    customer_id: str
    """As it is now."""
    state: bytes | None
    """Of the course; None where no entry of theirs was folded, ``STALE`` where it waits to be."""
    as_of: datetime | None
    """When the last entry was."""
    spoken_for: int
    """Points that are decided on and not folded."""
    tick: datetime | None
    """How far time has come."""
    revision: int
    """Of the rules."""


class Kept(NamedTuple):
    """An answer that was given under a key, for ever."""

    key: str
    request: str
    """A digest of what was asked."""
    status: int
    answer: Mapping[str, Any]


class Entry(NamedTuple):
    """An entry of a ledger, or one that is to be."""

    leaf: str
    type: str


class Located(NamedTuple):
    """Where in the log an event rests."""

    partition: int
    offset: int


class Spoken(NamedTuple):
    """Points that wait for an event to be folded."""

    event_id: str
    leaf: str
    type: str
    points: int
    reward: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What leaves for the log, and what it takes from a balance until it is folded."""

    event: bytes
    spoken: Spoken | None = None


class Deciding(Protocol):
    """A transaction in which something is decided once.

    What is asked sees all that was committed before the locks were had.
    """

    def kept(self) -> Mapping[str, Kept]:
        """The answers given under its keys."""

    def account(self) -> Account | None:
        """The points of the customer that it is about; None for a stranger.

        Raises ``Moved`` where the customer changed meanwhile.
        """

    def rules(self) -> Sequence[RuleRow]:
        """Every rule of the workspace."""

    def told(self, customer_id: str) -> tuple[Sequence[LedgerRow], Sequence[bytes]]:
        """The rows of a customer's ledger, and the facts of their orders."""

    def taken(self, reward: str) -> int:
        """How often a reward was granted, or will be; nobody else grants it until the end."""

    def entry(self, identifier: str, event_id: str) -> Entry | None:
        """What our own event of this id took from the customer's points, or will take."""

    def number(self, of: str, *, after: int) -> int:
        """The next number of a series: more than ``after``, and than each that was given out."""

    def decide(self, decision: Decision, kept: Sequence[Kept] = ()) -> int:
        """Put it into the outbox; gives its row's number, which each answer has as well."""

    def keep(self, kept: Sequence[Kept]) -> None:
        """Remember answers by which nothing was decided."""


class Balances(Protocol):
    """What commands on points ask of the store; all raises ``Unavailable`` where it is away."""

    def deciding(
        self, workspace: str, keys: Sequence[str], identifier: str | None = None
    ) -> AbstractContextManager[Deciding]:
        """Commits when the block ends, leaves no trace when it raises.

        One at a time a key, and a customer, where an identifier (a hash) says whose points it is
        about.
        """

    def located(self, id_hash: str) -> Located | None:
        """Where the event with this id (``fold.take.id_hash``) rests; None until it is folded."""
