"""The archive: every event that counted, in columns, fed from the log and read by timelines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol, TypeAlias

from schemas.envelope import Rank, Sealed
from services.log.port import Stored

NOBODY: Final = "0" * 32
"""The leaf of control events."""

Range: TypeAlias = tuple[int, int]
"""Offsets of one partition, first and last, both included."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Records of one partition, as the log holds them."""

    partition: int
    records: Sequence[Stored]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """An event in a timeline; ``data`` is its typed JSON, in the version named."""

    id: str
    source: str
    type: str
    version: int
    occurred_at: datetime
    leaf: str
    data: bytes
    sealed: Sealed | None
    """What names a person, still sealed."""
    cause: str | None

    @property
    def rank(self) -> Rank:
        """Where it stands in the timeline, and the cursor of what is older."""
        return self.occurred_at, self.source, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """So many moves between two stages of a lifecycle machine, alike in all of this."""

    machine: str
    previous: str | None
    """The stage that was left; None where none was told before."""
    stage: str
    days: int | None
    """Spent in the stage that was left; None where no decision tells when that began."""
    is_restated: bool
    """History that was told late, by an import for instance."""
    moves: int


class Archive(Protocol):
    """What the platform asks of an archive; every adapter passes ``tests/contract/archive.py``.

    Every method raises ``Unavailable`` when the archive is away, full or starting, and
    ``Misconfigured`` when it refuses us or could double rows.
    """

    def open(self) -> str:
        """Make the table where there is none; gives its epoch, another one for another table."""

    def reset(self) -> str:
        """Throw every row away; the new epoch."""

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        """Add ``pieces``, all or none; the same again under the same ``token`` changes nothing.

        Raises ``BadRecord`` for one that can't be taken in; then none was.
        """

    def rows(self) -> Mapping[int, int]:
        """How many events there are of each partition that has any."""

    def rows_of(self, ranges: Mapping[int, Range]) -> int:
        """How many events there are of these offsets; slow, for inserts of unknown outcome."""

    def timeline(
        self,
        workspace: str,
        leaves: Sequence[str],
        *,
        families: Sequence[str] = (),
        before: Rank | None = None,
        limit: int,
    ) -> Sequence[Touch]:
        """At most ``limit`` events of ``leaves`` older than ``before``, newest first.

        ``families`` leaves only these (``purchase``, ``email``, …); none given leaves all.
        """

    def touches(self, workspace: str, leaves: Sequence[str]) -> Mapping[str, int]:
        """How many events of ``leaves`` there are, by family."""

    def moves(self, workspace: str, first: date, last: date) -> Sequence[Moves]:
        """The moves that ``lifecycle.changed`` events tell of, alike ones together.

        Those into a stage that began from ``first`` to ``last``, both included.
        """

    def close(self) -> None:
        """Give connections back; the archive is not used afterwards."""


class Progress(Protocol):
    """How far the archive was fed, kept by the store; one feeder at a time may hold it.

    Every method raises ``Unavailable``, and ``NotOurs`` when another feeder holds it.
    """

    def checkpoints(self) -> Mapping[int, int]:
        """By partition, the offset that the projector reads next: the archive never passes it."""

    def skipped(self, partition: int, first: int, last: int) -> set[int]:
        """The offsets from ``first`` to ``last`` that the projector left out."""

    def epoch(self) -> str:
        """The epoch of the archive that was fed; empty when none was."""

    def archived(self) -> Mapping[int, int]:
        """By partition, the offset after the last that is in the archive for certain."""

    def expected(self) -> Mapping[int, int]:
        """By partition, how many rows that makes: offsets archived less those skipped."""

    def pending(self) -> Mapping[int, Range]:
        """The one insert that was planned and is not known to be done."""

    def plan(self, ranges: Mapping[int, Range]) -> None:
        """Write down the next insert: ranges that begin where ``archived`` ends, none pending."""

    def done(self) -> None:
        """What was pending is archived."""

    def reset(self, epoch: str) -> None:
        """Forget everything fed: the archive ``epoch`` is empty."""
