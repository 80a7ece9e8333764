"""The port of targets (where decisions are sent), and of deliveries as people see them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol, get_args

from schemas.envelope import Sealed

Kind = Literal["webhook", "slack", "feishu", "email"]
Language = Literal["en", "zh"]
State = Literal["waiting", "delivered", "dead"]
STATES: Final[tuple[State, ...]] = get_args(State)


class TargetRow(NamedTuple):
    """A place that decisions of a workspace are sent to."""

    target_id: str
    workspace: str
    name: str
    kind: Kind
    shown: str
    """The address as far as it may be read."""
    types: Sequence[str]
    language: Language
    is_enabled: bool
    sealed: Sealed
    """Address and secrets."""
    begins_at: Mapping[int, int]
    """By partition the first offset that it is told of."""
    created_at: datetime
    changed_at: datetime


class Traffic(NamedTuple):
    """What became of a target's deliveries."""

    waiting: int
    dead: int
    delivered_at: datetime | None
    """When it took the last one."""
    problem: str | None
    """Why the one that is waiting longest is."""


class DeliveryRow(NamedTuple):
    """A decision on its way to a target, or what became of it."""

    delivery_id: int
    workspace: str
    target_id: str
    event_id: str
    type: str
    state: State
    attempts: int
    queued_at: datetime
    due_at: datetime | None
    attempted_at: datetime | None
    ended_at: datetime | None
    status: int | None
    """The HTTP status of the last answer."""
    problem: str | None
    """Why the last attempt failed."""


class Sought(NamedTuple):
    """Which deliveries are listed."""

    target_id: str | None = None
    state: State | None = None
    before: int | None = None
    """Older than this delivery."""
    limit: int = 50


class Held(Protocol):
    """A target that nobody else changes meanwhile."""

    row: TargetRow

    def save(self, row: TargetRow) -> None:
        """Replace it, once the block ends."""


class Targets(Protocol):
    """What commands ask of the store; every call raises ``Unavailable`` where it is away."""

    def insert(self, row: TargetRow, *, most: int) -> bool:
        """Store a target unless its workspace has ``most`` of them; ``NotFound`` without one."""

    def all(self, workspace: str) -> Sequence[tuple[TargetRow, Traffic]]:
        """The targets of a workspace, oldest first."""

    def find(self, workspace: str, target_id: str) -> tuple[TargetRow, Traffic] | None:
        """One target."""

    def changing(self, workspace: str, target_id: str) -> AbstractContextManager[Held | None]:
        """Hold one target for as long as the block lasts."""

    def queue(self, row: TargetRow, message: tuple[str, str, bytes], at: datetime) -> int:
        """Put a message (id, type, body) into a target's queue; the delivery's number."""

    def deliveries(self, workspace: str, sought: Sought) -> Sequence[DeliveryRow]:
        """At most so many deliveries, newest first."""

    def delivery(self, workspace: str, delivery_id: int) -> DeliveryRow | None:
        """One delivery."""

    def requeue(self, workspace: str, delivery_id: int, at: datetime) -> DeliveryRow | None:
        """Put a delivery into its queue again, as if it were new; None if there is none."""
