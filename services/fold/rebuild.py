"""Replays: the log folded again, to put in place of the live rows or to compare them with."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from schemas.codec import Undecodable, decode
from schemas.envelope import Recorded
from services.errors import Conflict
from services.fold.apply import Folds, apply
from services.fold.due import settle_due
from services.fold.loop import BATCH, read_batch
from services.fold.orders import order_key
from services.log.port import CONTROL, Log, Position
from services.store.comparison import Difference, Digest, Snapshot, first_difference
from services.store.port import Store

Progress = Callable[[int, int], None]
"""Called after every batch with the records done and their whole number."""
SCAN: Final = 10_000


class Shadow(Protocol):
    """What a rebuild asks of the tables that it folds into."""

    def make(self) -> None:
        """Make them, without rows."""

    def live(self) -> Position:
        """How far the live rows have come; what was decided until then is known here too."""

    def replacing_live(self) -> AbstractContextManager[Position]:
        """Hold the live folds, at the position that it gives, for the block; then become live."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the live rows are what the log says, at ``position``."""

    position: Mapping[int, int]
    projections: tuple[Digest, ...]
    difference: Difference | None = None
    behind: str | None = None
    """An event behind the row that differs, as ``source id at partition:offset``."""

    @property
    def is_ok(self) -> bool:
        """No row differs."""
        return self.difference is None


def rebuild(folds: Folds, log: Log, store: Store, shadow: Shadow, *, progress: Progress) -> int:
    """Fold the log again into ``store`` on ``shadow``, then put it in place of the live rows.

    As far as those have come: what is new in the log has still to be decided on, and a replay sends
    nothing. Reads go on from the old rows until the switch. Gives the number of records folded.
    """
    shadow.make()
    behind_by = BATCH + 1
    while behind_by > BATCH:
        # What came meanwhile is caught up with while the live folds go on, till little is left.
        replay(folds, log, store, shadow.live(), progress=progress)
        behind_by = sum(shadow.live().values()) - sum(store.checkpoints().values())
    with shadow.replacing_live() as position:
        # The live folds wait now: what they had done meanwhile is done here too.
        replay(folds, log, store, position, progress=progress)
    return sum(position.values())


def rebuild_lost(
    folds: Folds, log: Log, store: Store, shadow: Shadow, *, progress: Progress
) -> int:
    """Fold all that the log has into ``store`` on ``shadow``, and put it in place of no rows.

    For a store that was lost: what the log has was decided on long ago, and nothing of it is told
    again. Raises ``Conflict`` where there are rows. Gives the number of records folded.
    """
    shadow.make()
    _refuse_rows(shadow.live())
    replay(folds, log, store, log.ends(), progress=progress)
    with shadow.replacing_live() as position:
        _refuse_rows(position)
        ends = log.ends()
        replay(folds, log, store, ends, progress=progress)
    return sum(ends.values())


def _refuse_rows(position: Position) -> None:
    if any(position.values()):
        raise Conflict(
            "there are already, folded from this log", "rebuild them without --lost",
            field="rows",
        )  # fmt: skip


def replay(folds: Folds, log: Log, store: Store, ends: Position, *, progress: Progress) -> None:
    """Fold from where ``store`` is up to ``ends``.

    Control goes first: what was decided in the end is known to all that is folded after it.
    """
    for only in (
        {CONTROL: ends.get(CONTROL, 0)},
        {at: end for at, end in ends.items() if at != CONTROL},
    ):
        positions = dict(store.checkpoints())
        while batch := read_batch(log, positions, only):
            apply(folds, batch, store, is_backlog=True)
            positions |= {piece.partition: piece.next for piece in batch}
            progress(sum(positions.values()), sum(ends.values()))
        while settle_due(folds, store):
            pass


def verify(live: Snapshot, replayed: Snapshot, log: Log) -> Verified:
    """Compare the live rows with those of a replay to the same position.

    Every table's digest is told, whichever differs; of differences the first one.
    """
    position = live.checkpoints()
    digests = tuple(live.digest(table) for table in live.tables)
    for digest in digests:
        if digest != replayed.digest(digest.name):
            difference = first_difference(live, replayed, digest.name)
            event = behind(difference.key, log, position)
            return Verified(position, digests, difference, event)
    return Verified(position, digests)


def behind(key: str, log: Log, ends: Position) -> str | None:
    """The first event in the log that names ``key``: a leaf, another identifier, or an order."""
    for partition, end in sorted(ends.items()):
        for first in range(0, end, SCAN):
            for stored in log.read(partition, first, min(SCAN, end - first)):
                try:
                    recorded = decode(stored.payload)
                except Undecodable:
                    continue
                if key in recorded.identifiers or key == _order_key(recorded):
                    return f"{recorded.source} {recorded.id} at {partition}:{stored.offset}"
    return None


def _order_key(recorded: Recorded[Any]) -> str | None:
    order_id = getattr(recorded.data, "order_id", None)
    return order_key(recorded.workspace, order_id) if order_id else None
