"""Scores in the store: what is kept of each leaf, customers' scores, models; a port of its own."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from schemas.envelope import Rank
from services.store.alerts import AlertRow
from services.store.course import RuleRow

ALWAYS_DUE: Final = datetime.min.replace(tzinfo=UTC)
"""When a row is due that another model has overtaken."""
DECIDED: Final = -2
"""The page of what was decided of a customer under this id: no part of a history."""


class Page(NamedTuple):
    """Some of a leaf's entries; the last page takes new ones in."""

    leaf: str
    page: int
    workspace: str
    entries: bytes


class ScoreRow(NamedTuple):
    """A customer's scores."""

    customer_id: str
    workspace: str
    due_at: datetime | None
    """When time alone may change them, or an alert, next."""
    tier: str | None
    """By value: high value, potential or ordinary."""
    scores: Mapping[str, Sequence[Any]]
    """By name: value and band."""
    models: Mapping[str, str]
    """Version by model, of those that had a part in them."""
    alerts: bytes = b""
    """Where alert rules stand, as ``scoring.standings`` has it."""


class ToldRow(NamedTuple):
    """What was told last of one score."""

    customer_id: str
    score: str
    workspace: str
    value: float
    band: str
    event_id: str


class PromotionRow(NamedTuple):
    """A version of a model that took over."""

    workspace: str
    occurred_at: datetime
    source: str
    id: str
    model: str
    version: str

    @property
    def rank(self) -> Rank:
        """Its place in the canonical order."""
        return self.occurred_at, self.source, self.id


class ModelRow(NamedTuple):
    """A model as it was trained."""

    workspace: str
    model: str
    version: str
    trained_until: datetime
    """The last event that it has seen."""
    parameters: Mapping[str, Any]
    card: Mapping[str, Any]


class Member(NamedTuple):
    """An identifier, and whose it is."""

    identifier: str
    customer_id: str
    workspace: str


@dataclass(slots=True)
class ScoreChanges:
    """All that one transaction of scoring writes."""

    pages: list[Page] = field(default_factory=list)
    rows: list[ScoreRow] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Customers that are nobody's id any more, or of whom nothing is known: their rows go."""
    told: list[ToldRow] = field(default_factory=list)
    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    promotions: list[PromotionRow] = field(default_factory=list)
    overtaken: set[str] = field(default_factory=set)
    """Workspaces all of whose rows are due at once: another model scores."""
    alerts: list[AlertRow] = field(default_factory=list)
    books: dict[str, str] = field(default_factory=dict)
    """Workspaces whose alert rules changed, with the digest of those they have: all of their rows
    are due at once."""
    tick: datetime | None = None
    looked_at: Collection[int] = ()
    """Regroupings that are dealt with, and forgotten."""
    advance: dict[int, int] = field(default_factory=dict)


class ScoringTransaction(Protocol):
    """What scoring asks while its transaction is open, and at last writes."""

    def claim(self, expected: Mapping[int, int]) -> None:
        """Lock the progress; raises ``NotOurs`` where a partition is not at its offset."""

    def tick(self) -> datetime | None:
        """The last minute that scoring has taken in."""

    def reached(self) -> datetime | None:
        """The last minute that the projector has taken in: what is much older is caught up with."""

    def regrouped(self, limit: int) -> Mapping[int, str]:
        """Some customers that were regrouped since, by the numbers to forget them by."""

    def groups_of(self, identifiers: Collection[str]) -> Sequence[Member]:
        """All identifiers of the customers whose these are, as far as they are known."""

    def pages(self, leaves: Collection[str]) -> Sequence[Page]:
        """All entries of these leaves, in no order; without what was decided."""

    def decided(self, customers: Collection[str]) -> Sequence[Page]:
        """What was decided of customers under these ids, in no order."""

    def due(self, tick: datetime, limit: int) -> Sequence[str]:
        """Some customers whose rows the passing of time may change by ``tick``, longest due first.

        They are part of themselves or of others by now, or of nobody.
        """

    def rows(self, customers: Collection[str]) -> Mapping[str, ScoreRow]:
        """The stored rows."""

    def told(self, customers: Collection[str]) -> Mapping[tuple[str, str], ToldRow]:
        """What was told last, by customer and score."""

    def revision(self) -> int:
        """Of the rules: another one where there are more."""

    def rules(self) -> Sequence[RuleRow]:
        """Every version of all workspaces' alert rules, programmes and machines ``default``."""

    def books(self) -> Mapping[str, str]:
        """The digest of alert rules by which each workspace's rows were lived."""

    def alerts(self, customers: Collection[str]) -> Sequence[AlertRow]:
        """The alerts that were raised under these ids of customers, the oldest first."""

    def to_judge(self, tick: datetime, limit: int) -> Sequence[str]:
        """Some customers of whom it may be known by ``tick`` what became of them after an alert."""

    def promotions(self, workspaces: Collection[str]) -> Sequence[PromotionRow]:
        """Everything that was ever promoted in these."""

    def model(self, workspace: str, model: str, version: str) -> ModelRow | None:
        """A model as it was trained."""

    def save(self, changes: ScoreChanges) -> None:
        """Write everything, and go on to ``advance``."""


class Scores(Protocol):
    """What scoring asks of a store; every adapter passes ``tests/contract/scores.py``."""

    def progress(self) -> Mapping[int, int]:
        """How far scoring has come."""

    def checkpoints(self) -> Mapping[int, int]:
        """How far the projector has come: scoring never passes it."""

    def is_settled(self) -> bool:
        """Whether no customer's rows wait for the end of the projector's backlog."""

    def skipped(self, spans: Mapping[int, tuple[int, int]]) -> Collection[tuple[int, int]]:
        """What the projector left out, as partition and offset; spans include both their ends."""

    def transaction(self) -> AbstractContextManager[ScoringTransaction]:
        """Commits when the block ends, leaves no trace when it raises.

        Raises ``Unavailable``, and ``NotOurs`` where another process scores.
        """

    def close(self) -> None:
        """Give connections back."""
