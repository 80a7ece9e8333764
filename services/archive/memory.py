"""The archive in memory: for tests, and the measure of what the other adapter must do."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import uuid4

import msgspec

from schemas import LifecycleChanged
from schemas.envelope import Rank, Recorded
from services.archive.port import NOBODY, Moves, Piece, Range, Touch
from services.errors import BadRecord
from services.log.port import Stored

_DECODER: Final = msgspec.json.Decoder(Recorded[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Row:
    partition: int
    offset: int
    workspace: str
    family: str
    touch: Touch


class MemoryArchive:
    """A list; gone with the process."""

    def __init__(self) -> None:
        self.reset()

    def open(self) -> str:
        return self._epoch

    def reset(self) -> str:
        self._rows: list[_Row] = []
        self._tokens: set[str] = set()
        self._epoch = str(uuid4())
        return self._epoch

    def insert(self, pieces: Sequence[Piece], token: str) -> None:
        if token in self._tokens:
            return
        self._rows += [
            _row(piece.partition, record) for piece in pieces for record in piece.records
        ]
        self._tokens.add(token)

    def rows(self) -> Mapping[int, int]:
        return Counter(row.partition for row in self._rows)

    def rows_of(self, ranges: Mapping[int, Range]) -> int:
        found = 0
        for partition, (first, last) in ranges.items():
            found += sum(
                row.partition == partition and first <= row.offset <= last for row in self._rows
            )
        return found

    def timeline(
        self,
        workspace: str,
        leaves: Sequence[str],
        *,
        families: Sequence[str] = (),
        before: Rank | None = None,
        limit: int,
    ) -> Sequence[Touch]:
        found = [
            row.touch
            for row in self._of(workspace, leaves)
            if (not families or row.family in families)
            and (before is None or row.touch.rank < before)
        ]
        return sorted(found, key=lambda touch: touch.rank, reverse=True)[:limit]

    def touches(self, workspace: str, leaves: Sequence[str]) -> Mapping[str, int]:
        return Counter(row.family for row in self._of(workspace, leaves))

    def moves(self, workspace: str, first: date, last: date) -> Sequence[Moves]:
        found: Counter[tuple[str, str, str, int | None, bool]] = Counter()
        before: dict[tuple[str, str], tuple[date, str]] = {}
        for since, _, data in sorted(self._told(workspace), key=lambda told: told[:2]):
            of = data.customer_id, data.machine
            began, stage = before.get(of, (since, None))
            before[of] = since, data.stage
            if first <= since <= last:
                previous = data.previous_stage or ""
                days = (since - began).days if stage and stage == previous else None
                found[data.machine, previous, data.stage, days, data.is_restated] += 1
        return [
            Moves(
                machine=machine,
                previous=previous or None,
                stage=stage,
                days=days,
                is_restated=is_restated,
                moves=moves,
            )
            for (machine, previous, stage, days, is_restated), moves in sorted(
                found.items(), key=lambda one: tuple(map(str, one[0]))
            )
        ]

    def close(self) -> None:
        """Nothing to give back."""

    def _told(
        self, workspace: str
    ) -> Iterator[tuple[date, tuple[datetime, str], LifecycleChanged]]:
        for row in self._rows:
            touch = row.touch
            if row.workspace == workspace and touch.type == LifecycleChanged.type:
                data = msgspec.json.decode(touch.data, type=LifecycleChanged)
                yield data.since or touch.occurred_at.date(), (touch.occurred_at, touch.id), data

    def _of(self, workspace: str, leaves: Sequence[str]) -> list[_Row]:
        return [
            row for row in self._rows if row.workspace == workspace and row.touch.leaf in leaves
        ]


class MemoryProgress:
    """What a test's store knows of the feed; the projector's part is set by the test."""

    def __init__(self) -> None:
        self.next: dict[int, int] = {}
        self.left_out: dict[int, set[int]] = {}
        self._epoch = ""
        self._archived: dict[int, int] = {}
        self._pending: dict[int, Range] = {}

    def checkpoints(self) -> Mapping[int, int]:
        return self.next

    def skipped(self, partition: int, first: int, last: int) -> set[int]:
        return {offset for offset in self.left_out.get(partition, ()) if first <= offset <= last}

    def epoch(self) -> str:
        return self._epoch

    def archived(self) -> Mapping[int, int]:
        return self._archived

    def expected(self) -> Mapping[int, int]:
        return {
            partition: end - len(self.skipped(partition, 0, end - 1))
            for partition, end in self._archived.items()
        }

    def pending(self) -> Mapping[int, Range]:
        return self._pending

    def plan(self, ranges: Mapping[int, Range]) -> None:
        self._pending = dict(ranges)

    def done(self) -> None:
        ends = {partition: last + 1 for partition, (_, last) in self._pending.items()}
        self._archived, self._pending = self._archived | ends, {}

    def reset(self, epoch: str) -> None:
        self._epoch, self._archived, self._pending = epoch, {}, {}


def _row(partition: int, record: Stored) -> _Row:
    try:
        event = _DECODER.decode(record.payload)
    except msgspec.MsgspecError as cause:
        raise BadRecord(f"a record of partition {partition} can't be archived: {cause}") from cause
    touch = Touch(
        id=event.id,
        source=event.source,
        type=event.type,
        version=event.version,
        occurred_at=event.occurred_at,
        leaf=event.leaf if event.identifiers else NOBODY,
        data=bytes(event.data),
        sealed=event.sealed,
        cause=event.cause,
    )
    return _Row(partition, record.offset, event.workspace, event.type.partition(".")[0], touch)
