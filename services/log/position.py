"""Positions as tokens that callers carry, and their arithmetic (pure)."""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

import msgspec

from services.errors import Refused
from services.log.port import Position

MAX_TOKEN: Final = 4_096
_CHECKSUM_BYTES: Final = 4

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(
    dict[
        Annotated[int, msgspec.Meta(ge=0, lt=2**31)],
        Annotated[int, msgspec.Meta(ge=0, lt=2**63 - 1)],
    ]
)


def encode(position: Position) -> str:
    """``position`` as an opaque token, safe in URLs and headers; equal positions, equal tokens."""
    body = _ENCODER.encode(dict(sorted(position.items())))
    return urlsafe_b64encode(body + _checksum(body)).rstrip(b"=").decode()


def decode(token: str, *, field: str = "Touchline-Wait-For") -> Position:
    """The position that ``encode`` made ``token`` of; raises ``Refused`` for anything else."""
    try:
        raw = urlsafe_b64decode(
            token[:MAX_TOKEN].encode("ascii") + b"=" * (-len(token[:MAX_TOKEN]) % 4)
        )
        body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
        position = _DECODER.decode(body)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, RecursionError):
        position, body, checksum = {}, b"", b""
    if checksum != _checksum(body) or encode(position) != token:
        raise Refused(
            "is not a position",
            "send a Touchline-Position just as an answer gave it",
            field=field,
            value=token[:80],
        )
    return position


def merge(a: Position, b: Position) -> Position:
    """The position that covers all that ``a`` or ``b`` covers."""
    return {
        partition: max(a.get(partition, 0), b.get(partition, 0))
        for partition in sorted(a.keys() | b.keys())
    }


def covers(applied: Position, wanted: Position) -> bool:
    """Whether everything before ``wanted`` is before ``applied`` too."""
    return all(applied.get(partition, 0) >= offset for partition, offset in wanted.items())


def _checksum(body: bytes) -> bytes:
    # Against tokens cut short or mistyped, which would otherwise wait for the wrong thing.
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big")
