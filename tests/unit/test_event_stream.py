"""An answer without end: it stops when its client leaves, or takes nothing in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.errors import Limited
from services.query import event_stream
from services.query.event_stream import EventStream, Pieces

Json = dict[str, Any]
ENDLESS = 10**9


class Client:
    """An ASGI server's end: takes in so much, then nothing, and leaves when told."""

    def __init__(self, takes: int) -> None:
        self.takes, self.taken = takes, list[Json]()
        self.leaves, self.has_begun = asyncio.Event(), asyncio.Event()
        self.closed: list[str] = []

    async def receive(self) -> Json:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if len(self.taken) >= self.takes:
            await asyncio.Event().wait()
        self.taken.append(dict(message))
        self.has_begun.set()

    @asynccontextmanager
    async def opened(self, count: int) -> AsyncIterator[Pieces]:
        try:
            yield self._pieces(count)
        finally:
            self.closed.append("place")

    async def _pieces(self, count: int) -> Pieces:
        try:
            for number in range(count):
                yield b"id: %d\n\n" % number
                await asyncio.sleep(0)
        finally:
            self.closed.append("pieces")


async def answered(client: Client, count: int) -> None:
    stream = EventStream(lambda: client.opened(count))
    await asyncio.wait_for(stream({"type": "http"}, client.receive, client.send), 10)


def test_all_is_sent_and_then_the_end() -> None:
    async def run() -> Client:
        client = Client(takes=ENDLESS)
        await answered(client, 3)
        return client

    client = asyncio.run(run())

    start, *bodies = client.taken
    assert (start["status"], dict(start["headers"])[b"content-type"]) == (
        200,
        b"text/event-stream; charset=utf-8",
    )
    assert b"content-length" not in dict(start["headers"])
    assert b"".join(body["body"] for body in bodies) == b"id: 0\n\nid: 1\n\nid: 2\n\n"
    assert [body["more_body"] for body in bodies] == [True, True, True, False]
    assert client.closed == ["pieces", "place"]


def test_who_takes_nothing_in_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "PATIENCE_S", 0.05)

    async def run() -> Client:
        client = Client(takes=3)
        await answered(client, ENDLESS)
        return client

    client = asyncio.run(run())

    assert all(message.get("more_body", True) for message in client.taken)
    assert client.closed == ["pieces", "place"]


def test_who_leaves_frees_its_place_at_once() -> None:
    async def run() -> Client:
        client = Client(takes=ENDLESS)
        answering = asyncio.create_task(answered(client, ENDLESS))
        await client.has_begun.wait()
        client.leaves.set()
        await answering
        return client

    assert asyncio.run(run()).closed == ["pieces", "place"]


def test_what_can_not_begin_is_an_error_like_any_other() -> None:
    @asynccontextmanager
    async def refused() -> AsyncIterator[Pieces]:
        raise Limited("too many", "close one", retry_after_s=1)
        yield

    async def run() -> Client:
        client = Client(takes=ENDLESS)
        with pytest.raises(Limited):
            await EventStream(refused)({"type": "http"}, client.receive, client.send)
        return client

    assert asyncio.run(run()).taken == []
