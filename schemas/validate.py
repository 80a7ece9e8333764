"""The edge of the language: raw JSON becomes a typed event, or a list of what is wrong with it."""

import json
from functools import cache
from typing import Any, Final, cast

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from schemas import TYPES, Data, appendable_by, key_of, upcast
from schemas.custom import PREFIX, Custom
from schemas.envelope import Posted
from schemas.explain import near, problems, shortened
from schemas.fields import Free
from schemas.problems import Problem

Verdict = Posted[Data] | list[Problem]


def validate(raw: bytes) -> Verdict:
    """The event in ``raw``, brought to its type's newest version, or every problem found in it.

    Strict: ``"1"`` and ``1.0`` are no whole numbers, unknown fields are refused. Never raises,
    whatever the bytes are. Times are made UTC; whether they are plausible is ingest's question.
    """
    try:
        header = _HEADER.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _unreadable(raw)
    if _NUL in raw and (nul := _nul(raw)):
        return [nul]
    cls = TYPES.get(header.type)
    if cls is None or cls is Custom:
        return _custom(raw, header.type)
    if header.version is None or header.version == cls.version:
        return _typed(raw, cls)
    return _older(raw, cls, header.version)


class _Header(msgspec.Struct, frozen=True):
    type: str
    version: int | None = None


_HEADER: Final = msgspec.json.Decoder(_Header)
_NUL: Final = b"\\u0000"


@cache
def _adapter(data: Any) -> TypeAdapter[Posted[Any]]:
    """Made when a type is first posted, since one takes milliseconds and some 100 kB."""
    return TypeAdapter(Posted[data])


def _typed(raw: bytes, cls: type[Any]) -> Verdict:
    found = _checked(raw, cls, cls.type)
    if isinstance(found, list):
        return found
    if not found.identifiers and appendable_by(cls.type) != "control":
        return [_nobody(cls.type)]
    return _completed(found, cls.version, found.data)


def _custom(raw: bytes, type_: str) -> Verdict:
    if key_of(type_) is None:
        return [_unknown(type_)]
    found = _checked(raw, Free, type_)
    if isinstance(found, list):
        return found
    if not found.identifiers:
        return [_nobody(type_)]
    data = Custom(name=type_.removeprefix(PREFIX), data=found.data)
    return _completed(found, found.version or Custom.version, data)


def _older(raw: bytes, cls: type[Any], version: int) -> Verdict:
    if version < 1 or not upcast.is_known(cls.type, version, cls.version):
        problem = f"is no known version of {cls.type}"
        return [
            Problem("version", version, problem, f"send version {cls.version}, or leave it out")
        ]
    try:
        event = from_json(raw, allow_inf_nan=False)
    except ValueError as cause:
        return [_broken(raw, cause)]
    if isinstance(event.get("data"), dict):
        event["data"] = upcast.upcast(cls.type, version, event["data"])
    return _typed(json.dumps(event | {"version": cls.version}).encode(), cls)


def _checked(raw: bytes, data: Any, type_: str) -> Posted[Any] | list[Problem]:
    try:
        return _adapter(data).validate_json(raw)
    except ValidationError as error:
        return _explained(raw, data, type_, error)


def _explained(
    raw: bytes, data: Any, type_: str, error: ValidationError
) -> Posted[Any] | list[Problem]:
    try:
        event = from_json(raw, allow_inf_nan=False)
    except ValueError as cause:
        return [_broken(raw, cause)]
    if "data" not in event:
        # Many events need no data at all; of the others each missing field is named.
        return _checked(json.dumps(event | {"data": {}}).encode(), data, type_)
    return problems(error, event, type_)


def _unreadable(raw: bytes) -> list[Problem]:
    """Why not even type and version could be read."""
    try:
        event = from_json(raw, allow_inf_nan=False)
    except ValueError as cause:
        return [_broken(raw, cause)]
    if isinstance(event, dict):
        event = {"data": {}} | event
    try:
        _adapter(Free).validate_json(json.dumps(event))
    except ValidationError as error:
        return problems(error, event, "{type}")
    return [_broken(raw, ValueError("is nested too deeply"))]


def _broken(raw: bytes, cause: ValueError) -> Problem:
    start = shortened(raw[:400].decode(errors="replace"))
    return Problem("", start, f"is not JSON: {cause}", "send one JSON object, encoded in UTF-8")


def _nul(raw: bytes) -> Problem | None:
    """Databases hold no U+0000 in text; found here, since an escaped backslash looks alike."""
    try:
        path = _path_of_nul(from_json(raw))
    except ValueError as cause:
        return _broken(raw, cause)
    if path is None:
        return None
    return Problem(".".join(path), None, "has the character U+0000", "remove it from the text")


def _path_of_nul(value: object) -> list[str] | None:
    if isinstance(value, str):
        return [] if "\0" in value else None
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in inside:
        path = [] if "\0" in str(key) else _path_of_nul(inner)
        if path is not None:
            return [str(key).replace("\0", "�"), *path]
    return None


def _unknown(type_: str) -> Problem:
    meant = near(type_, (name for name in TYPES if name != Custom.type))
    remedy = "name it like custom.book_read: lower-case words, joined by . or -"
    if not type_.startswith(PREFIX):
        asked = f"did you mean {', '.join(meant)}? " if meant else ""
        remedy = f"{asked}GET /v1/schemas lists all types; one of your own is custom.<name>"
    return Problem("type", shortened(type_), "is no known event type", remedy)


def _nobody(type_: str) -> Problem:
    remedy = f"say who {type_} was about, like user:42 or email:ada@example.org"
    return Problem("identifiers", None, "is missing", remedy)


def _completed(posted: Posted[Any], version: int, data: Data) -> Posted[Data]:
    # The event was made here a moment ago and nobody else has it: cheaper than a copy.
    object.__setattr__(posted, "version", version)
    object.__setattr__(posted, "data", data)
    return cast("Posted[Data]", posted)
