"""Gather: small requests that wait for the disk at once go through accept and log together."""

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple, TypeAlias

from services.edge.keys import Key
from services.errors import Unavailable
from services.ingest.accept import Raw
from services.ingest.receive import Received

MAX_REQUESTS: Final = 256
"""Requests a group: nobody waits long behind the others."""
MAX_WAITING: Final = 5_000
"""Requests that may wait; more means that storage is slower than the senders, who should know."""

Posted: TypeAlias = tuple[Key, Sequence[Raw]]
ReceiveEach: TypeAlias = Callable[[Sequence[Posted]], Sequence[Received]]


class _Waiting(NamedTuple):
    posted: Posted
    received: "asyncio.Future[Received]"
    loop: asyncio.AbstractEventLoop


class Gather:
    """One thread that takes in what came while it took in what came before.

    With 64 senders of single events twice as fast as a thread for each request, most of whose time
    goes into waking threads. Only for small requests: a large one would keep the others waiting.
    """

    def __init__(self, receive_each: ReceiveEach) -> None:
        self._receive_each = receive_each
        self._queue: SimpleQueue[_Waiting] = SimpleQueue()
        Thread(target=self._run, name="ingest-gather", daemon=True).start()

    async def receive(self, posted: Posted) -> Received:
        """What became of ``posted``, once it is durable; raises ``Unavailable``."""
        if self._queue.qsize() >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} requests wait already")
        loop = asyncio.get_running_loop()
        received: asyncio.Future[Received] = loop.create_future()
        self._queue.put(_Waiting(posted, received, loop))
        return await received

    def _run(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < MAX_REQUESTS:
                try:
                    group.append(self._queue.get_nowait())
                except Empty:
                    break
            self._answer(group)

    def _answer(self, group: Sequence[_Waiting]) -> None:
        outcomes: list[Received | Exception]
        try:
            outcomes = list(self._receive_each([waiting.posted for waiting in group]))
        except Unavailable as error:
            outcomes = [Unavailable(str(error)) for _ in group]
        except Exception:  # noqa: BLE001 -- a bug that one of them meets is nobody else's
            outcomes = [self._alone(waiting) for waiting in group]
        for loop in {waiting.loop for waiting in group}:
            own = [(w.received, o) for w, o in zip(group, outcomes, strict=True) if w.loop is loop]
            _tell(loop, own)

    def _alone(self, waiting: _Waiting) -> Received | Exception:
        try:
            return self._receive_each([waiting.posted])[0]
        except Exception as error:  # noqa: BLE001 -- raised again where the request is answered
            return error


def _tell(
    loop: asyncio.AbstractEventLoop,
    outcomes: Sequence[tuple["asyncio.Future[Received]", Received | Exception]],
) -> None:
    def tell() -> None:
        for received, outcome in outcomes:
            if received.done():
                continue
            if isinstance(outcome, Exception):
                received.set_exception(outcome)
            else:
                received.set_result(outcome)

    # A loop that was closed has nobody left who waits.
    if not loop.is_closed():
        loop.call_soon_threadsafe(tell)
