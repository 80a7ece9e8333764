"""A request's body in pieces: by length or chunked, unpacked, within limits."""

import zlib
from collections.abc import Callable, Iterator
from email.message import Message
from typing import IO, Final, Protocol, cast

from services.archive.front.failure import (
    INCORRECT_DATA,
    NOT_IMPLEMENTED,
    TOO_LARGE,
    Failure,
    refused,
)

MAX_BYTES: Final = 2 << 30
"""Of one request's body, unpacked."""
_PIECE: Final = 1 << 18


class _Unpacker(Protocol):
    """What lz4 and zstd share with the standard library's bz2."""

    needs_input: bool
    eof: bool
    unused_data: bytes | None

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most ``max_length`` bytes; what is left comes with the next call."""


class Incomplete(ConnectionError):
    """The client went away in the middle of its body."""


class Body:
    """The unpacked pieces of the body behind ``stream``, which then is at the next request.

    Iterating raises ``Failure`` for a coding we don't know, broken data or too much of it, and
    ``Incomplete`` when it ends early.
    """

    def __init__(self, stream: IO[bytes], headers: Message) -> None:
        is_chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._raw = (
            _chunked(stream) if is_chunked else _counted(stream, headers.get("Content-Length"))
        )
        self._pieces = _unpacked(
            self._raw, headers.get("Content-Encoding", "identity").strip().lower()
        )
        self._seen = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._seen += len(piece)
        if self._seen > MAX_BYTES:
            raise refused(TOO_LARGE, f"the body has more than {MAX_BYTES} bytes; send it in parts")
        return piece

    def whole(self, limit: int) -> bytes:
        """What is left; raises ``Failure`` when that is more than ``limit``."""
        data = self.begin(limit)
        if len(data) > limit:
            raise refused(
                TOO_LARGE,
                f"the statement has more than {limit} bytes; bind what is long as a parameter",
            )
        return data

    def begin(self, size: int) -> bytes:
        """More than ``size`` bytes from where we are, or what there is."""
        parts: list[bytes] = []
        length = 0
        while length <= size and (piece := next(self, None)) is not None:
            parts.append(piece)
            length += len(piece)
        return b"".join(parts)

    def drain(self, limit: int) -> bool:
        """Read and forget the rest; False, so close, when that is more than ``limit`` or broken."""
        try:
            for piece in self._raw:
                limit -= len(piece)
                if limit < 0:
                    return False
        except (Failure, OSError):
            return False
        return True


def _counted(stream: IO[bytes], length: str | None) -> Iterator[bytes]:
    try:
        left = int(length or 0)
    except ValueError as cause:
        raise refused(INCORRECT_DATA, f"Content-Length {length!r} is no number") from cause
    while left > 0:
        piece = _exactly(stream, min(left, _PIECE))
        left -= len(piece)
        yield piece


def _chunked(stream: IO[bytes]) -> Iterator[bytes]:
    while size := _chunk_size(stream):
        left = size
        while left > 0:
            piece = _exactly(stream, min(left, _PIECE))
            left -= len(piece)
            yield piece
        _exactly(stream, 2)
    while stream.readline(_PIECE) not in {b"\r\n", b"\n", b""}:
        pass


def _chunk_size(stream: IO[bytes]) -> int:
    line = stream.readline(1024)
    if not line.endswith(b"\n"):
        raise Incomplete("the body ended inside a chunk's size")
    try:
        return int(line.split(b";")[0], 16)
    except ValueError as cause:
        raise Incomplete("a chunk without a size") from cause


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise Incomplete(f"the body ended {size - len(data)} bytes early")
    return data


def _unpacked(raw: Iterator[bytes], coding: str) -> Iterator[bytes]:
    if coding == "identity":
        yield from raw
        return
    try:
        yield from (
            _deflated(raw) if coding in {"gzip", "deflate"} else _framed(raw, _unpacker(coding))
        )
    except (zlib.error, RuntimeError, ValueError, EOFError, OSError) as cause:
        if isinstance(cause, ConnectionError | TimeoutError):
            raise
        raise refused(INCORRECT_DATA, f"the body is not {coding}: {cause}") from cause


# Clients pack every block by itself: what ends a frame need not end the body.


def _deflated(raw: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = None
    for piece in raw:
        left = piece
        while left:
            # 47: gzip or zlib, whichever the header says.
            unpacker = unpacker or zlib.decompressobj(47)
            yield unpacker.decompress(left, _PIECE)
            left = unpacker.unconsumed_tail
            if unpacker.eof:
                left, unpacker = unpacker.unused_data, None
    if unpacker:
        yield unpacker.flush()
        if not unpacker.eof:
            raise EOFError("it ends early")


def _framed(raw: Iterator[bytes], begin: Callable[[], _Unpacker]) -> Iterator[bytes]:
    unpacker = None
    for piece in raw:
        left = piece
        while left or (unpacker and not unpacker.needs_input):
            unpacker = unpacker or begin()
            yield unpacker.decompress(left, _PIECE)
            left = b""
            if unpacker.eof:
                left, unpacker = unpacker.unused_data or b"", None
    if unpacker:
        raise EOFError("it ends early")


def _unpacker(coding: str) -> Callable[[], _Unpacker]:
    """Both come with clickhouse-connect, which packs with lz4 unless told not to."""
    if coding == "lz4":
        from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415  one client in ten packs

        return cast(Callable[[], _Unpacker], LZ4FrameDecompressor)
    if coding == "zstd":
        from backports.zstd import ZstdDecompressor  # noqa: PLC0415  as above

        return cast(Callable[[], _Unpacker], ZstdDecompressor)
    raise refused(
        NOT_IMPLEMENTED,
        f"Content-Encoding {coding} is not taken; use gzip, deflate, lz4, zstd or none",
    )
