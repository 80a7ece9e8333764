"""Peek: id and type of an event that could not be read whole, as far as they can be told."""

import json
from typing import Final, NamedTuple

import msgspec

SHOWN: Final = 200
"""Characters of an id, as many as a good one may have."""


class Peeked(NamedTuple):
    """What an answer may call the event."""

    id: str | None = None
    type: str | None = None


class _Head(msgspec.Struct):
    id: object = None
    type: object = None


_HEAD = msgspec.json.Decoder(_Head)


def peek(raw: bytes) -> Peeked:
    """The event's id and type where they are text; nothing where ``raw`` is no object."""
    try:
        head = _HEAD.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _leniently(raw)
    return Peeked(_text(head.id), _text(head.type))


def _leniently(raw: bytes) -> Peeked:
    """Of JSON that msgspec refuses for NaN or half a surrogate pair, not for nesting too deep."""
    try:
        found = json.loads(raw.decode("utf-8", "replace"), parse_int=str, strict=False)
    except (ValueError, RecursionError):
        return Peeked()
    if not isinstance(found, dict):
        return Peeked()
    return Peeked(_text(found.get("id")), _text(found.get("type")))


def _text(value: object) -> str | None:
    return value[:SHOWN] if isinstance(value, str) else None
