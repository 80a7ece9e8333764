"""Split: a request's body into its events' bytes, so that a bad one never stops the good ones."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from services.errors import Malformed, TooLarge

_Raws = Sequence[bytes | msgspec.Raw]
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE: Final = msgspec.json.Decoder(msgspec.Raw)
_LENIENT: Final = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_LINES: Final = re.compile(
    r"^application/(?:x-)?(?:ndjson|jsonl|json-lines|jsonlines)\b", re.IGNORECASE
)
_SPACE: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_MARKS: Final = re.compile(
    # A string, closed or not (so that the scan stays linear), a run of brackets, or a comma.
    rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[\[{]+|[\]}]|,',
    re.DOTALL,
)


def split(body: bytes, content_type: str, *, limit: int) -> _Raws:
    """The raw JSON of each event of ``body``: one object, an array of them, or one a line (NDJSON).

    What is returned need not be valid: lines of NDJSON are not looked at, and an event with what
    some writers of JSON let through (NaN, half a surrogate pair, deep nesting) is returned too.
    Raises ``Malformed`` where the body is no JSON at all, ``TooLarge`` above ``limit`` events.
    """
    body = body.removeprefix(_BOM).strip(_SPACE)
    raws = _array(body, limit) if body.startswith(b"[") else None
    if raws is None and _LINES.match(content_type):
        raws = _lines(body)
    if raws is None:
        raws = _object_or_lines(body)
    if len(raws) > limit:
        raise _too_many(limit)
    return raws


def _array(body: bytes, limit: int) -> _Raws | None:
    try:
        return _LIST.decode(body)
    except (msgspec.DecodeError, RecursionError):
        items = list(_items(body, limit))
    # One element that is no JSON, even read leniently, means that the array isn't either.
    return items if items and all(map(_is_json, items)) else None


def _items(body: bytes, limit: int) -> Iterator[bytes]:
    """The elements of an array by its brackets and commas alone; none where they don't pair."""
    depth, start, found = 0, 1, 0
    for mark in _MARKS.finditer(body):
        match body[mark.start()]:
            case 0x5B | 0x7B:
                depth += mark.end() - mark.start()
            case 0x5D | 0x7D:
                depth -= 1
            case 0x2C if depth == 1:
                found += 1
                if found > limit:
                    raise _too_many(limit)
                yield body[start : mark.start()].strip(_SPACE)
                start = mark.end()
        if depth == 0:
            break
    is_whole = depth == 0 and mark.end() == len(body) and mark[0] == b"]"
    # An empty last element is no JSON, which is what an array cut short is.
    yield body[start : mark.start()].strip(_SPACE) if is_whole else b""


def _lines(body: bytes) -> _Raws | None:
    return [line for line in (line.strip(_SPACE) for line in body.split(b"\n")) if line] or None


def _object_or_lines(body: bytes) -> _Raws:
    try:
        _ONE.decode(body)
    except (msgspec.DecodeError, RecursionError):
        if _is_json(body):
            return [body]
        lines = _lines(body) or []
        if len(lines) > 1 and lines[0].startswith(b"{") and _is_json(lines[0]):
            return lines
        raise _no_json(body) from None
    return [body]


def _is_json(raw: bytes) -> bool:
    """Whether ``raw`` is JSON, be it with NaN, half a surrogate pair or bad UTF-8."""
    try:
        _, end = _LENIENT.raw_decode(text := raw.decode("utf-8", "replace"))
    except json.JSONDecodeError:
        return False
    except RecursionError:
        return _is_paired(raw)
    return end == len(text)


def _is_paired(raw: bytes) -> bool:
    """Whether brackets close in number: all that is asked of what nests too deep to be read."""
    depth = 0
    for mark in _MARKS.finditer(raw):
        match raw[mark.start()]:
            case 0x5B | 0x7B:
                depth += mark.end() - mark.start()
            case 0x5D | 0x7D:
                depth -= 1
    return depth == 0


def _no_json(body: bytes) -> Malformed:
    shown = body[:40].decode("utf-8", "replace")
    if not body:
        return Malformed(
            "is empty", "send an event, an array of events, or one event a line", field="body"
        )
    return Malformed(
        "is no JSON",
        "send an event, an array of events, or one event a line",
        field="body",
        value=shown,
    )


def _too_many(limit: int) -> TooLarge:
    return TooLarge(
        f"holds more than {limit} events", "split it into several requests", field="body"
    )
