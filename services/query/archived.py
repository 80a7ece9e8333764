"""What the query service asks of the archive: events of a customer, and moves of all."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from schemas.envelope import Rank, Sealed


class Touch(Protocol):
    """An event in a timeline; ``data`` is its typed JSON, in the version named."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def leaf(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sealed(self) -> Sealed | None: ...
    @property
    def rank(self) -> Rank: ...


class Moves(Protocol):
    """So many moves between two stages, alike in all of this."""

    @property
    def machine(self) -> str: ...
    @property
    def previous(self) -> str | None: ...
    @property
    def stage(self) -> str: ...
    @property
    def days(self) -> int | None: ...
    @property
    def is_restated(self) -> bool: ...
    @property
    def moves(self) -> int: ...


class Timelines(Protocol):
    """Every call raises ``Unavailable`` where the archive is away."""

    def timeline(
        self,
        workspace: str,
        leaves: Sequence[str],
        *,
        families: Sequence[str] = (),
        before: Rank | None = None,
        limit: int,
    ) -> Sequence[Touch]:
        """At most ``limit`` events of ``leaves``, newest first, older than ``before``."""

    def touches(self, workspace: str, leaves: Sequence[str]) -> object:
        """Whatever it answers, it is there."""

    def moves(self, workspace: str, first: date, last: date) -> Sequence[Moves]:
        """Moves into stages that began from ``first`` to ``last``, both included."""
