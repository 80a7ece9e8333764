"""The port of deliveries, as those who queue and send them see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.envelope import Sealed
from services.store.targets import Kind, Language


class Place(NamedTuple):
    """How far a partition was looked through; ``at`` is None where it never was."""

    at: int | None
    end: int
    """How far the folds have come."""


class Subscription(NamedTuple):
    """What an enabled target is told of."""

    target_id: str
    workspace: str
    types: frozenset[str]
    begins_at: Mapping[int, int]


class Queued(NamedTuple):
    """A decision for one target."""

    workspace: str
    target_id: str
    event_id: str
    type: str
    body: bytes


class Move(NamedTuple):
    """From where to where a partition was looked through; ``at`` is None for the first time."""

    at: int | None
    next_offset: int


class Due(NamedTuple):
    """The delivery that a target is to be sent next."""

    delivery_id: int
    event_id: str
    type: str
    body: bytes
    attempts: int
    queued_at: datetime
    workspace: str
    target_id: str
    kind: Kind
    language: Language
    sealed: Sealed


class Outcome(NamedTuple):
    """What became of an attempt: delivered, to be tried again at ``due_at``, or dead."""

    at: datetime
    is_delivered: bool
    due_at: datetime | None = None
    status: int | None = None
    problem: str | None = None
    is_attempt: bool = True
    """False where it was given up without another one."""


class Figures(NamedTuple):
    """What there is to send."""

    waiting: int
    failing: int
    """Of those that wait, how many were tried in vain."""
    dead: int
    oldest_s: float
    """How long the oldest waits."""
    behind: int
    """Records that the folds have taken in and that were not looked through."""


class Progress(Protocol):
    """What the feed asks; every call raises ``Unavailable`` where the store is away."""

    def places(self) -> Mapping[int, Place]:
        """How far each partition was looked through, and may be.

        Asked before ``subscriptions``: a target that those lack came after what is before ``end``.
        """

    def subscriptions(self) -> Sequence[Subscription]:
        """Of all enabled targets."""

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        """Those of ``offsets`` that the folds left out."""

    def queue(self, moves: Mapping[int, Move], found: Sequence[Queued], at: datetime) -> None:
        """Move on and queue what was ``found``, in one transaction; what is queued stays so.

        Raises ``NotOurs`` where somebody else moved on, and then nothing was done.
        """


class Queue(Protocol):
    """What the sender asks; every call raises ``Unavailable`` where the store is away."""

    def waiting(self, at: datetime) -> Sequence[str]:
        """Enabled targets that something is due for."""

    def next(self, target_id: str, at: datetime) -> Due | None:
        """What is due for a target first; None once nothing is, or it was disabled."""

    def note(self, due: Due, outcome: Outcome) -> None:
        """Write down what became of it, unless it was put into the queue again meanwhile."""

    def purge(self, before: datetime) -> int:
        """Forget some deliveries that ended ``before``; how many."""
