"""The feed: what the projector has applied goes from the log to the archive, exactly once.

Every insert covers fixed offsets, written down before it is made and named by its token, so that
one of unknown outcome is made again with the same rows under the same name.
"""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from services.archive.port import Archive, Piece, Progress, Range
from services.errors import NotOurs, TouchlineError, Unavailable
from services.fold.garbage import Heap
from services.log.port import Log, Stored

FLUSH_S: Final = 0.5
"""The least time between two small inserts: each makes a part, and parts have to be merged."""
ROWS: Final = 50_000
BYTES: Final = 16 << 20
"""Of one insert at most; it is one block there, so all or none of it is seen."""
LONGEST_BACK_OFF_S: Final = 15.0
STARTING_S: Final = 20.0
"""An archive that starts when we do may be away so long without a warning: three times what the
whole platform takes to start."""
_AT_ONCE: Final = 2_000

log = structlog.get_logger()


class ArchiveFeed:
    """Feeds for ever; one instance a store works, others wait for it to go."""

    def __init__(self, source: Log, progress: Progress, archive: Archive) -> None:
        self._log, self._progress, self._archive = source, progress, archive
        self._heap = Heap()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; nothing that the archive does stops the store."""
        back_off_s, quiet_until_s = FLUSH_S, time.monotonic() + STARTING_S
        while not stop.is_set():
            try:
                prepare(self._log, self._progress, self._archive)
                quiet_until_s = 0.0
                while not stop.is_set():
                    began = time.monotonic()
                    count = feed_once(self._log, self._progress, self._archive)
                    back_off_s = FLUSH_S
                    self._heap.took(count)
                    if not count:
                        self._heap.rest()
                    if count < ROWS // 2:
                        stop.wait(max(0.0, FLUSH_S - (time.monotonic() - began)))
            except NotOurs:
                stop.wait(LONGEST_BACK_OFF_S)
            except TouchlineError as cause:
                if isinstance(cause, Unavailable) and time.monotonic() < quiet_until_s:
                    log.debug("archive.awaited", back_off_s=back_off_s)
                else:
                    log.warning("archive.waiting", cause=str(cause), back_off_s=back_off_s)
                stop.wait(back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)


def prepare(source: Log, progress: Progress, archive: Archive) -> None:
    """Make sure that the archive holds what ``progress`` says, else have it fed from the start.

    It may have been lost, replaced or restored, and so may the store: rows are counted, hence
    what a power cut took is noticed too.
    """
    epoch = archive.open()
    if epoch != progress.epoch():
        # Rows of an unknown feed would come a second time.
        progress.reset(archive.reset() if archive.rows() else epoch)
    if pending := progress.pending():
        _insert_again(_read(source, pending), progress, archive)
    expected = {partition: rows for partition, rows in progress.expected().items() if rows}
    found = dict(archive.rows())
    if found != expected:
        log.warning("archive.refilling", found=sum(found.values()), expected=sum(expected.values()))
        progress.reset(archive.reset())


def feed_once(source: Log, progress: Progress, archive: Archive) -> int:
    """Bring the archive nearer to the projector's checkpoint by one insert; gives its size.

    Raises what ``archive`` and ``progress`` raise; the next call then goes on with that insert.
    """
    if pending := progress.pending():
        return _insert_again(_read(source, pending), progress, archive)
    pieces = _next(source, progress.archived(), progress.checkpoints())
    if not pieces:
        return 0
    ranges = _ranges(pieces)
    progress.plan(ranges)
    counted = _counted(pieces, progress)
    if _size(counted):
        archive.insert(counted, _token(progress.epoch(), ranges))
    progress.done()
    return _size(pieces)


def _insert_again(pieces: Sequence[Piece], progress: Progress, archive: Archive) -> int:
    """Finish an insert that was begun before, and see that it was.

    ClickHouse writes a token down before the rows stand. Should it be killed or run out of space
    between the two, it would take the second try for a repetition and drop it. So the rows are
    looked for, and where they are missing another token is used; every try walks the same tokens,
    hence none counts twice.
    """
    ranges = _ranges(pieces)
    counted = _counted(pieces, progress)
    rows, token = _size(counted), _token(progress.epoch(), ranges)
    for attempt in itertools.count():
        if rows:
            archive.insert(counted, f"{token}/{attempt}" if attempt else token)
        if archive.rows_of(ranges) >= rows:
            break
    progress.done()
    return _size(pieces)


def _next(source: Log, starts: Mapping[int, int], ends: Mapping[int, int]) -> list[Piece]:
    """What comes next, each partition its share of the rows and bytes of one insert."""
    waiting = {
        partition: end - starts.get(partition, 0)
        for partition, end in ends.items()
        if end > starts.get(partition, 0)
    }
    rows, bytes_ = ROWS, BYTES
    pieces = []
    for left, partition in zip(
        range(len(waiting), 0, -1), sorted(waiting, key=waiting.__getitem__), strict=True
    ):
        share = min(waiting[partition], max(1, rows // left))
        records = _take(
            source, partition, starts.get(partition, 0), share, max_bytes=bytes_ // left
        )
        if records:
            pieces.append(Piece(partition, records))
        rows -= len(records)
        bytes_ -= sum(len(record.payload) for record in records)
    return sorted(pieces, key=lambda piece: piece.partition)


def _take(source: Log, partition: int, first: int, count: int, *, max_bytes: float) -> list[Stored]:
    """At most ``count`` records, and no more once they have ``max_bytes``, but one at least."""
    records: list[Stored] = []
    size = 0
    while len(records) < count and size < max_bytes:
        read = source.read(partition, first + len(records), min(_AT_ONCE, count - len(records)))
        if not read:
            break
        for record in read:
            records.append(record)
            size += len(record.payload)
            if size >= max_bytes:
                break
    return records


def _read(source: Log, ranges: Mapping[int, Range]) -> list[Piece]:
    """Exactly the records planned, in the order of the first time."""
    pieces = []
    for partition, (first, last) in sorted(ranges.items()):
        records = _take(source, partition, first, last - first + 1, max_bytes=float("inf"))
        if len(records) <= last - first:
            raise Unavailable(
                f"partition {partition} of the log ends at {first + len(records)}, "
                f"and {last} was planned for the archive"
            )
        pieces.append(Piece(partition, records))
    return pieces


def _ranges(pieces: Sequence[Piece]) -> dict[int, Range]:
    return {
        piece.partition: (piece.records[0].offset, piece.records[-1].offset) for piece in pieces
    }


def _counted(pieces: Sequence[Piece], progress: Progress) -> list[Piece]:
    """``pieces`` without what the projector left out."""
    return [
        _without(piece, progress.skipped(piece.partition, *span))
        for piece, span in zip(pieces, _ranges(pieces).values(), strict=True)
    ]


def _size(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.records) for piece in pieces)


def _without(piece: Piece, skipped: set[int]) -> Piece:
    if not skipped:
        return piece
    return Piece(
        piece.partition, [record for record in piece.records if record.offset not in skipped]
    )


def _token(epoch: str, ranges: Mapping[int, Range]) -> str:
    named = ",".join(f"{partition}:{first}-{last}" for partition, (first, last) in ranges.items())
    return f"{epoch}/{named}"
