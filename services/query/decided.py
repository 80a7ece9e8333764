"""Decisions in the log: found, read and told as JSON, each with the place of what follows it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

import msgspec

from schemas import (
    AlertAcknowledged,
    AlertClosed,
    AlertRaised,
    LifecycleChanged,
    PointsExpiring,
    TierChanged,
)
from schemas.codec import Undecodable, decode
from services.log.port import Log, Position, Stored

OF_ALERTS: Final = (AlertRaised, AlertAcknowledged, AlertClosed)
KINDS: Final = (LifecycleChanged, TierChanged, PointsExpiring, *OF_ALERTS)
TYPES: Final = tuple(kind.type for kind in KINDS)
AT_ONCE: Final = 2_000
"""Records of one read: the log's reader is lent to others between two."""
REMEMBERED: Final = 20_000
"""Decisions: those of some seconds of the busiest traffic."""
_NAMED: Final = tuple(type_.encode() for type_ in TYPES)

Skipped: TypeAlias = Callable[[int, Sequence[int]], set[int]]
"""Which offsets of a partition the folds left out, as a decision that was appended twice."""


class Decision(NamedTuple):
    """What the platform decided about a customer."""

    workspace: str
    type: str
    position: Position
    """After it: who has it resumes from there."""
    body: bytes
    """JSON."""


class Heard:
    """Where decisions were read lately, by their ids.

    One that was appended twice, by a relay that died in between, is skipped by the folds: who reads
    ahead of them has to know it by itself.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._places: dict[str, tuple[int, int]] = {}

    def is_first(self, id_: str, place: tuple[int, int]) -> bool:
        """Whether it was not read at another place (partition and offset) before."""
        is_first = self._places.setdefault(id_, place) == place
        while len(self._places) > self._most:
            del self._places[next(iter(self._places))]
        return is_first


class _Header(msgspec.Struct, frozen=True):
    id: str
    workspace: str
    type: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Where decisions are read from."""

    log: Log
    skipped: Skipped
    heard: Heard = field(default_factory=Heard)


def decisions(
    source: Reading, between: tuple[Position, Position], is_wanted: Callable[[str], bool]
) -> Iterator[tuple[Sequence[Decision], Position]]:
    """Those of wanted workspaces from one position to another, and how far each piece leads.

    None that is restated: it is history, which was never to be told. Raises ``Unavailable``.
    """
    log, skipped, heard = source.log, source.skipped, source.heard
    begin, end = between
    position = dict(begin)
    for partition in sorted(end):
        while position.get(partition, 0) < end[partition]:
            at = position.get(partition, 0)
            records = log.read(partition, at, min(AT_ONCE, end[partition] - at))
            if not records:
                break
            found = [
                (stored, named)
                for stored in records
                if (named := _named(stored.payload))
                and heard.is_first(named.id, (partition, stored.offset))
                and is_wanted(named.workspace)
            ]
            left_out = skipped(partition, [stored.offset for stored, _ in found]) if found else ()
            told = [
                Decision(
                    named.workspace, named.type, position | {partition: stored.offset + 1}, body
                )
                for stored, named in found
                if stored.offset not in left_out and (body := _body(stored))
            ]
            position[partition] = records[-1].offset + 1
            yield told, dict(position)


def remember(source: Reading, between: tuple[Position, Position]) -> None:
    """Know again what is between two positions, without telling it; raises ``Unavailable``."""
    for _ in decisions(source, between, lambda _: False):
        pass


def _named(payload: bytes) -> _Header | None:
    """The head of a decision; None for anything else, which most records are."""
    if not any(name in payload for name in _NAMED):
        return None
    try:
        header = _HEADER(payload)
    except msgspec.MsgspecError:
        return None
    return header if header.type in TYPES else None


def _body(stored: Stored) -> bytes | None:
    """The decision as clients see it; None for one that is not to be told."""
    try:
        recorded = decode(stored.payload)
    except Undecodable:
        return None
    data = recorded.data
    if not isinstance(data, KINDS) or getattr(data, "is_restated", False):
        return None
    about = recorded.identifiers[0] if recorded.identifiers else None
    return msgspec.json.encode(
        {
            "id": recorded.id,
            "type": recorded.type,
            "occurred_at": recorded.occurred_at,
            "recorded_at": stored.recorded_at,
            "customer_id": getattr(data, "customer_id", about),
            "cause": recorded.cause,
            "data": data,
        }
    )


_HEADER: Final = msgspec.json.Decoder(_Header).decode
