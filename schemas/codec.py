"""The log's bytes: encodes recorded events, and decodes them at speed, older versions included."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Final

import msgspec

from schemas import TYPES, Data, appendable_by, key_of, upcast
from schemas.custom import PREFIX, Custom
from schemas.envelope import Recorded


class Undecodable(ValueError):
    """Bytes that are no recorded event of a type and version we know; the message says why."""


def encode(recorded: Recorded[Any]) -> bytes:
    """``recorded`` as compact JSON; its ``data`` may be typed, or ``msgspec.Raw`` from ``dump``."""
    if not isinstance(recorded.data, msgspec.Raw):
        recorded = msgspec.structs.replace(recorded, data=msgspec.Raw(dump(recorded.data)))
    return _ENCODER.encode(recorded)


def decode(payload: bytes) -> Recorded[Data]:
    """The event in ``payload``, in its type's newest version.

    Raises ``Undecodable`` and nothing else, whatever the bytes are. A custom event comes without
    its data, which rests in the sealed part.
    """
    try:
        recorded = _decode(payload)
    except _FOREIGN as cause:
        msg = f"is no recorded event: {cause}"
        raise Undecodable(msg) from cause
    if not recorded.identifiers and appendable_by(recorded.type) != "control":
        msg = f"{recorded.type} names no identifier"
        raise Undecodable(msg)
    return recorded


def dump(data: Data) -> bytes:
    """``data`` as JSON without defaults; of custom events nothing, since they are sealed whole."""
    return b"{}" if isinstance(data, Custom) else _ENCODER.encode(_sparse(data))


def canonical(raw: bytes) -> bytes:
    """One spelling of a posted event's JSON: sorted keys, no blanks, whole floats as integers.

    So a producer that repeats an event after re-reading its own JSON (1.0 may become 1) repeats
    it. Raises ``ValueError`` for what is not JSON.
    """
    try:
        return _CANONICAL.encode(_PLAIN.decode(raw))
    except _FOREIGN as cause:
        msg = f"is not JSON: {cause}"
        raise ValueError(msg) from cause


class _Header(msgspec.Struct, frozen=True):
    type: str
    version: int


def _number(text: str) -> float | int:
    value = float(text)
    # Beyond 2**53 neighbouring integers are one float, and an infinity is none.
    return int(value) if abs(value) < 2**53 and value.is_integer() else value


_ENCODER: Final = msgspec.json.Encoder()
_CANONICAL: Final = msgspec.json.Encoder(order="sorted")
_PLAIN: Final = msgspec.json.Decoder(float_hook=_number)
_HEADER: Final = msgspec.json.Decoder(_Header)
_BEFORE_TYPE: Final = b'"type":"'
_BY_NAME: Final = {name.encode(): cls for name, cls in TYPES.items() if cls is not Custom}
_FOREIGN: Final = (msgspec.MsgspecError, ValueError, LookupError, TypeError, RecursionError)


def _decode(payload: bytes) -> Recorded[Data]:
    return _at_sight(payload) or _by_header(payload)


def _at_sight(payload: bytes) -> Recorded[Data] | None:
    """What the first thing in it that looks like a type says it is; None where it is not that.

    Reading the header alone takes a tenth of the time that all takes.
    """
    at = payload.find(_BEFORE_TYPE) + len(_BEFORE_TYPE)
    cls: Any = _BY_NAME.get(payload[at : payload.find(b'"', at)])
    if cls is None:
        return None
    try:
        recorded = _decoder(cls).decode(payload)
    except _FOREIGN:
        return None
    return recorded if (recorded.type, recorded.version) == (cls.type, cls.version) else None


def _by_header(payload: bytes) -> Recorded[Data]:
    header = _HEADER.decode(payload)
    cls: Any = TYPES.get(header.type)
    if cls is not None and cls.version == header.version and cls is not Custom:
        return _decoder(cls).decode(payload)
    if cls is None and key_of(header.type) == Custom.type:
        name = header.type.removeprefix(PREFIX)
        recorded = _decoder(msgspec.Raw).decode(payload)
        return msgspec.structs.replace(recorded, data=Custom(name=name))
    if cls is None or cls is Custom:
        msg = f"no event type {header.type[:100]!r}"
        raise Undecodable(msg)
    return _decode_older(payload, cls, header)


def _decode_older(payload: bytes, cls: type[Any], header: _Header) -> Recorded[Data]:
    if not upcast.is_known(header.type, header.version, cls.version):
        msg = f"version {header.version} of {header.type} is unknown, the newest is {cls.version}"
        raise Undecodable(msg)
    older = _decoder(dict[str, object]).decode(payload)
    data = msgspec.convert(upcast.upcast(header.type, header.version, older.data), cls)
    return msgspec.structs.replace(older, version=cls.version, data=data)


@cache
def _decoder(cls: Any) -> msgspec.json.Decoder[Recorded[Any]]:
    """Made when a type is first seen: most processes see few."""
    return msgspec.json.Decoder(Recorded[cls])


def _sparse(data: object) -> dict[str, object]:
    cls: Any = type(data)
    return {
        name: _inner(value)
        for name, default in _defaults(cls).items()
        if (value := getattr(data, name)) != default
    }


def _inner(value: object) -> object:
    if type(value) is tuple and value and is_dataclass(value[0]):
        return [_sparse(item) for item in value]
    return value


@cache
def _defaults(cls: Any) -> Mapping[str, object]:
    """Every field's default; MISSING, which equals nothing, where it has none."""
    return {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(cls)
    }
