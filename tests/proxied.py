"""A proxy between a client and its server, whose lines can be cut, slowed down, or left hanging."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

CHUNK: Final = 65_536


class Proxy:
    """Forwards ``port`` of 127.0.0.1 to a server there, as long as it is left alone.

    Its methods may be called from any thread, and hold for what comes after they returned.
    """

    def __init__(self, server_port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = 0
        self._server_port, self._loop, self._lines = server_port, loop, set[_Line]()
        self._delay_s, self._is_silent = 0.0, False

    def cut(self) -> int:
        """Break every line, as a firewall does that was started anew; gives how many."""
        return self._asked(self._cut)

    def slow(self, delay_s: float) -> None:
        """Let every piece, of lines that there are too, be so late."""
        self._delay_s = delay_s

    def silence(self) -> None:
        """Leave lines half open: what is sent is taken, nothing arrives, nobody hangs up.

        That is so of new ones too, until ``speak``.
        """
        self._asked(self._silence)

    def speak(self) -> None:
        """Forward new lines again; those that were left hanging hang for ever."""
        self._is_silent = False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client came."""
        try:
            to = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        line = _Line((reader, writer), to, is_silent=self._is_silent)
        self._lines.add(line)
        try:
            await line.pump(lambda: self._delay_s)
        finally:
            self._lines.discard(line)

    def _cut(self) -> int:
        lines, self._lines = self._lines, set()
        for line in lines:
            line.abort()
        return len(lines)

    def _silence(self) -> int:
        self._is_silent = True
        for line in self._lines:
            line.is_silent = True
        return len(self._lines)

    def _asked(self, what: Callable[[], int]) -> int:
        async def ask() -> int:
            return what()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(10)


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One connection, both ways."""

    def __init__(self, client: Ends, server: Ends, *, is_silent: bool) -> None:
        self._client, self._server, self.is_silent = client, server, is_silent

    async def pump(self, delay_s: Callable[[], float]) -> None:
        """Forward until either side hangs up."""
        (reader, writer), (others_reader, others_writer) = self._client, self._server
        ways = [
            asyncio.ensure_future(self._forward(reader, others_writer, delay_s)),
            asyncio.ensure_future(self._forward(others_reader, writer, delay_s)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self.abort()

    def abort(self) -> None:
        """Hang up on both, in the middle of whatever they said."""
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        delay_s: Callable[[], float],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if late_s := delay_s():
                    await asyncio.sleep(late_s)
                if not self.is_silent:
                    writer.write(data)
                    await writer.drain()


@contextmanager
def a_proxy(server_port: int, port: int = 0) -> Iterator[Proxy]:
    """A proxy of the server at ``server_port``, listening until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = Proxy(server_port, loop)

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(proxy.connected, "127.0.0.1", port)

    async def end() -> None:
        server.close()
        proxy._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
