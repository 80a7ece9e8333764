"""The feed: decisions out of the log, as soon as the folds have taken them in, into the queues.

It follows the projector's checkpoint as the archive's feed does, with progress of its own that
commits together with what it queues: so each decision is queued once for each target, wherever a
process is killed. A rebuild appends nothing, and moves no progress back: it sends nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.commands.message import encode
from services.log.port import Log, Stored
from services.scoring.deliver.decided import find, message
from services.store.deliveries import Move, Place, Progress, Queued, Subscription

AT_ONCE: Final = 2_000
"""Records of one read: the log's reader is lent to others between two."""
OLDEST: Final = timedelta(days=1)
"""What happened longer ago is history, which nobody wants to be woken for."""


class _Looking(NamedTuple):
    """What is looked for."""

    subscriptions: Mapping[str, Sequence[Subscription]]
    """By workspace."""
    progress: Progress
    at: datetime


def feed_once(log: Log, progress: Progress, at: datetime) -> int:
    """Look through what comes next of every partition; gives how many records that were.

    Raises ``Unavailable``, and ``NotOurs`` where another process was first.
    """
    places = progress.places()
    looking = _Looking(_by_workspace(progress.subscriptions()), progress, at)
    moves: dict[int, Move] = {}
    queued: list[Queued] = []
    looked = 0
    for partition, place in sorted(places.items()):
        begin = _begin(partition, place, looking.subscriptions)
        records: Sequence[Stored] = ()
        if begin < place.end:
            records = log.read(partition, begin, min(AT_ONCE, place.end - begin))
        end = records[-1].offset + 1 if records else begin
        if end != place.at:
            moves[partition] = Move(place.at, end)
        queued += _queued(partition, records, looking)
        looked += len(records)
    if moves:
        progress.queue(moves, queued, at)
    return looked


def _by_workspace(found: Sequence[Subscription]) -> Mapping[str, Sequence[Subscription]]:
    grouped: dict[str, list[Subscription]] = {}
    for one in found:
        grouped.setdefault(one.workspace, []).append(one)
    return grouped


def _begin(
    partition: int, place: Place, subscriptions: Mapping[str, Sequence[Subscription]]
) -> int:
    """Where somebody is first concerned: what comes before need not even be read."""
    begins = [one.begins_at.get(partition, 0) for some in subscriptions.values() for one in some]
    first = min([*begins, place.end])
    return first if place.at is None else max(place.at, first)


def _queued(
    partition: int, records: Sequence[Stored], looking: _Looking
) -> Iterator[Queued]:  # fmt: skip
    found = [one for one in find(records) if one.header.workspace in looking.subscriptions]
    offsets = [stored.offset for stored, _ in found]
    left_out = looking.progress.skipped(partition, offsets) if found else ()
    for stored, header in found:
        concerned = [
            one
            for one in looking.subscriptions[header.workspace]
            if header.type in one.types and stored.offset >= one.begins_at.get(partition, 0)
        ]
        if not concerned or stored.offset in left_out:
            continue
        told = message(stored)
        if told is None or looking.at - told.occurred_at > OLDEST:
            continue
        body = encode(told)
        for one in concerned:
            yield Queued(one.workspace, one.target_id, told.id, told.type, body)
