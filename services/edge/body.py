"""Bodies: limited before and while they are read, inflated as they come, given up when slow."""

import asyncio
import zlib
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.edge.answers import refusal
from services.edge.limits import Limits
from services.errors import Malformed, Refused, TooLarge, TooSlow, Unsupported

MAX_MEMBERS: Final = 100
"""Members of a gzip body: one is usual; a body of empty ones would only burn our time."""
_GZIP: Final = 31
_Headers = Iterable[tuple[bytes, bytes]]


class BodyGuard:
    """ASGI middleware: what the application reads is inflated, within limits and in time.

    What is declared too large is refused unread; what turns out so raises ``TooLarge``.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            guarded = self._guarded(scope["headers"], receive)
        except Refused as error:
            await refusal(error)(scope, receive, send)
            return
        await self.app(scope, guarded, send)

    def _guarded(self, headers: _Headers, receive: Receive) -> Receive:
        encoding, length = b"", b""
        for name, value in headers:
            if name == b"content-encoding":
                encoding = value.strip().lower()
            elif name == b"content-length":
                length = value
        if length.isdigit() and int(length[:20]) > self.limits.body_bytes:
            raise _too_large(self.limits.body_bytes)
        if encoding in {b"", b"identity"}:
            return _Reader(receive, self.limits, _Plain(self.limits))
        if encoding in {b"gzip", b"x-gzip"}:
            return _Reader(receive, self.limits, _Gzip(self.limits))
        raise Unsupported(
            "is an encoding we don't read",
            "send the body as it is or with gzip",
            field="Content-Encoding",
            value=encoding.decode("latin-1")[:40],
        )


class _Plain:
    """Counts what passes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.total = 0

    def feed(self, chunk: bytes) -> bytes:
        self.total += len(chunk)
        if self.total > self.limits.body_bytes:
            raise _too_large(self.limits.body_bytes)
        return chunk

    def end(self) -> None:
        """A plain body may end anywhere."""


class _Gzip:
    """Inflates what passes, and stops as soon as it becomes too much."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.compressed = self.total = 0
        self.members = 1
        self.inflate = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes) -> bytes:
        self.compressed += len(chunk)
        if self.compressed > self.limits.body_bytes:
            raise _too_large(self.limits.body_bytes)
        try:
            return b"".join(self._inflated(chunk))
        except zlib.error as error:
            raise Malformed(
                "is no gzip, though Content-Encoding says so", "compress it again"
            ) from error

    def end(self) -> None:
        if self.compressed and not self.inflate.eof:
            raise Malformed("is gzip that ends too early", "send it whole")

    def _inflated(self, chunk: bytes) -> Iterable[bytes]:
        while chunk:
            if self.inflate.eof:
                self._next_member()
            inflated = self.inflate.decompress(chunk, self.limits.body_bytes + 1 - self.total)
            self.total += len(inflated)
            self._check()
            yield inflated
            chunk = self.inflate.unused_data or self.inflate.unconsumed_tail

    def _next_member(self) -> None:
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise TooLarge(f"has more than {MAX_MEMBERS} gzip members", "compress it as one")
        self.inflate = zlib.decompressobj(_GZIP)

    def _check(self) -> None:
        if self.total > self.limits.body_bytes:
            raise _too_large(self.limits.body_bytes)
        if self.total > max(
            self.limits.inflate_free_bytes, self.compressed * self.limits.inflate_ratio
        ):
            raise TooLarge(
                f"inflates to more than {self.limits.inflate_ratio} times its size",
                "send it uncompressed",
            )


class _Reader:
    """``receive`` for the application: each message checked, the whole body within its time."""

    def __init__(self, receive: Receive, limits: Limits, meter: _Plain | _Gzip) -> None:
        self.receive = receive
        self.limits = limits
        self.meter = meter
        self.deadline: float | None = None
        self.is_read = False

    async def __call__(self) -> Message:
        if self.is_read:
            return await self.receive()
        message = await self._in_time()
        if message["type"] != "http.request":
            return message
        message["body"] = self.meter.feed(message.get("body", b""))
        if not message.get("more_body", False):
            self.meter.end()
            self.is_read = True
        return message

    async def _in_time(self) -> Message:
        if self.deadline is None:
            self.deadline = asyncio.get_running_loop().time() + self.limits.body_timeout_s
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.receive()
        except TimeoutError as error:
            raise TooSlow(
                f"did not arrive within {self.limits.body_timeout_s:g} s",
                "send fewer events a request",
            ) from error


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"is larger than {limit / 1e6:g} MB", "split it into several requests", field="body"
    )
