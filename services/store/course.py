"""Courses in the store: clock, rules, ledgers and a state a customer; a port of their own."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from services.store.port import Identifier, OrderRow

STALE: Final = b""
"""A state that rules have overtaken: it is folded again from its entries."""
ALWAYS_DUE: Final = datetime.min.replace(tzinfo=UTC)


class Control(NamedTuple):
    """How far time has come, and how many rules there are by now."""

    tick: datetime | None
    revision: int
    has_unsettled: bool = False
    """Whether there is any customer whose rows wait to be settled."""


class RuleRow(NamedTuple):
    """A rule of a workspace: a policy, or where its days begin."""

    workspace: str
    kind: str
    name: str
    occurred_at: datetime
    source: str
    id: str
    version: int
    effective_at: datetime | None
    """None is from the beginning."""
    body: bytes
    """JSON; its shape follows the kind."""


class LedgerRow(NamedTuple):
    """An entry that is no order's, or the taking back of one."""

    leaf: str
    source: str
    id: str
    is_void: bool
    workspace: str
    type: str
    entry: bytes


class StateRow(NamedTuple):
    """What a course knows of one customer."""

    customer_id: str
    workspace: str
    state: bytes
    as_of: datetime | None
    """When its last entry was."""
    due_at: datetime | None
    told: bytes
    """What of it is to be told: equal bytes say that nothing is new."""


class Decided(NamedTuple):
    """The last decision of one kind about a customer."""

    workspace: str
    customer_id: str
    kind: str
    value: str | None
    event_id: str


class Unsettled(NamedTuple):
    """A customer whose rows wait to be settled, and what let them change."""

    customer_id: str
    workspace: str
    key: bytes
    caused_at: datetime
    event_id: str | None
    is_old: bool


@dataclass(slots=True)
class CourseChanges:
    """What one batch writes besides the views, which are among ``Changes``."""

    tick: datetime | None = None
    """The clock's, where it went on."""
    rules: list[RuleRow] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    redeemed: list[tuple[str, str]] = field(default_factory=list)
    """Workspace and event id of redemptions that wait no more."""
    unsettled: list[Unsettled] = field(default_factory=list)
    """Whose rows are left for later."""
    left: int = 0
    """Customers whose rows are, those included whose did wait."""
    settled: Collection[str] = ()
    """Customers whose rows were, and are right now."""


class Courses(Protocol):
    """What the batch handler asks of a transaction for its courses."""

    def control(self) -> Control:
        """The clock and the rules' revision, which stay until the transaction ends."""

    def rules(self) -> Sequence[RuleRow]:
        """Every rule of every workspace."""

    def ledger(self, leaves: Collection[str]) -> Sequence[LedgerRow]:
        """The rows of these leaves, in any order."""

    def voided(self, leaves: Collection[str]) -> Collection[tuple[str, str, str]]:
        """Leaf, source and id of what was taken back of these leaves' entries."""

    def orders_of(self, leaves: Collection[str]) -> "Sequence[OrderRow]":
        """The orders that these leaves own, in any order."""

    def states(self, course: str, customers: Collection[str]) -> Mapping[str, StateRow]:
        """Those of ``customers`` that have a row."""

    def due(self, course: str, tick: datetime | None, limit: int) -> Sequence[str]:
        """Customers whose row time changes up to ``tick``; stale ones always."""

    def unsettled(self, customers: Collection[str]) -> Sequence[Unsettled]:
        """Those of ``customers`` whose rows wait to be settled."""

    def waiting(self, limit: int) -> Sequence[Unsettled]:
        """Some customers whose rows wait to be settled, first those nobody else has at hand.

        None only where none waits, or others settled them meanwhile and go on with it.
        """

    def members(self, customers: Collection[str]) -> "Sequence[Identifier]":
        """All identifiers of these customers."""

    def decided(self, customers: Collection[str]) -> Sequence[Decided]:
        """The last decisions about these customers."""

    def save(self, changes: CourseChanges) -> None:
        """Write it. Rows that a new rule overtakes become stale, all others of it due in time."""
