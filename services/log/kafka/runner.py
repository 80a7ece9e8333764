"""A thread that runs Kafka's asynchronous client for callers who wait."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Final, TypeVar

from services.errors import Unavailable

CLOSE_S: Final = 5.0

T = TypeVar("T")


class Runner:
    """One event loop in a thread of its own; safe to use from many threads."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Wait for ``work``; raises what it raised, and ``TimeoutError`` after ``timeout_s``."""
        try:
            return self.begin(asyncio.wait_for(work, timeout_s)).result()
        except CancelledError as cause:
            raise Unavailable("the log is closed: this process is stopping") from cause

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start ``work``, which ``close`` cancels."""
        with self._closing:
            if self._closed:
                work.close()
                raise Unavailable("the log is closed: this process is stopping")
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Cancel what is under way, and end the thread."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_S)
