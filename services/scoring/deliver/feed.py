"""The feed: decisions out of the log, as soon as the folds have taken them in, into the queues.

It follows the projector's checkpoint as the archive's feed does, with progress of its own that
commits together with what it queues: so each decision is queued once for each target, wherever a
process is killed. A rebuild appends nothing, and moves no progress back: it sends nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from schemas.codec import Undecodable, decode
from services.commands.message import Message, encode
from services.commands.targets import TYPES
from services.fold.decisions import SOURCE
from services.log.port import Log, Stored
from services.store.deliveries import Move, Place, Progress, Queued, Subscription

AT_ONCE: Final = 2_000
"""Records of one read: the log's reader is lent to others between two."""
OLDEST: Final = timedelta(days=1)
"""What happened longer ago is history, which nobody wants to be woken for."""
_SAID: Final = f'"source":"{SOURCE}"'.encode()
"""In every record of ours, as the codec writes it, and in hardly any other."""


class _Header(msgspec.Struct, frozen=True):
    workspace: str
    source: str
    type: str


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
    found = [
        (stored, header)
        for stored in records
        if (header := _decided(stored.payload)) and header.workspace in looking.subscriptions
    ]
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
        if message := _message(stored, looking.at):
            body = encode(message)
            for one in concerned:
                yield Queued(one.workspace, one.target_id, message.id, message.type, body)


def _decided(payload: bytes) -> _Header | None:
    """The head of a decision; None for anything else, which most records are."""
    if _SAID not in payload:
        return None
    try:
        header = _HEADER(payload)
    except msgspec.MsgspecError:
        return None
    return header if header.source == SOURCE and header.type in TYPES else None


def _message(stored: Stored, at: datetime) -> Message | None:
    """What is sent; None for what is history, which was never to be told."""
    try:
        recorded = decode(stored.payload)
    except Undecodable:
        return None
    data = recorded.data
    if getattr(data, "is_restated", False) or at - recorded.occurred_at > OLDEST:
        return None
    return Message(
        id=recorded.id,
        type=recorded.type,
        timestamp=stored.recorded_at,
        workspace=recorded.workspace,
        occurred_at=recorded.occurred_at,
        recorded_at=stored.recorded_at,
        customer_id=getattr(data, "customer_id", None),
        cause=recorded.cause,
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


_HEADER: Final = msgspec.json.Decoder(_Header).decode
