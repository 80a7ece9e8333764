"""Decisions as the log holds them: found among its records, and as those hear of them who ask."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.codec import Undecodable, decode
from services.commands.message import Message
from services.commands.targets import TYPES
from services.fold.decisions import SOURCE
from services.log.port import Stored

_SAID: Final = f'"source":"{SOURCE}"'.encode()
"""In every record of ours, as the codec writes it, and in hardly any other."""


class Header(msgspec.Struct, frozen=True):
    """Whose decision it is, and what is decided."""

    workspace: str
    source: str
    type: str


class Found(NamedTuple):
    """A decision, not decoded yet."""

    stored: Stored
    header: Header


def find(records: Sequence[Stored]) -> Iterator[Found]:
    """The decisions among ``records``, which most of them are not."""
    for stored in records:
        if _SAID not in stored.payload:
            continue
        try:
            header = _HEADER(stored.payload)
        except msgspec.MsgspecError:
            continue
        if header.source == SOURCE and header.type in TYPES:
            yield Found(stored, header)


def message(stored: Stored) -> Message | None:
    """What is told; None for what is restated, which was never to be told."""
    try:
        recorded = decode(stored.payload)
    except Undecodable:
        return None
    data = recorded.data
    if getattr(data, "is_restated", False):
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


_HEADER: Final = msgspec.json.Decoder(Header).decode
