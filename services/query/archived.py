"""What the query service asks of the archive: a customer's events, newest first."""

from collections.abc import Sequence
from datetime import datetime
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
