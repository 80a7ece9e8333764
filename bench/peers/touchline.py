"""Touchline's worker on the slice: Faust's partitions by our transport, a transaction a batch.

    python -m bench.peers.touchline SERVER GROUP TOPIC STORE_URL IDS

Says how many partitions are its own, begins when a line comes, and says when the first batch was at
hand.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from typing_extensions import override

from bench.peers.slice import Tables
from services.projector.transport import Fetched, Transport, Whole
from services.projector.worker import App, Group, settings

T = TypeVar("T")


class Share:
    """What this worker folds."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.came: dict[int, int] = {}
        self._has_begun = False

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        """There is no control here."""
        return True

    def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Where to go on."""
        found = self._tables.checkpoints()
        self.came = {partition: found[partition] for partition in partitions}
        print(f"share {len(partitions)}", flush=True)
        return self.came

    def fold(self, fetched: Fetched) -> None:
        """One transaction."""
        if not self._has_begun:
            self._has_begun = True
            print(f"began {time.time():.3f}", flush=True)
        self.came.update(self._tables.fold(fetched))


class Gated(Transport):
    """Begins when it is told to, so that workers begin together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = asyncio.Event()

    @override
    async def has_room(self, timeout_s: float) -> bool:
        """Nobody is fetched for before the gate is open."""
        await self.gate.wait()
        return await super().has_room(timeout_s)


async def run(app: App, topic: str, share: Share, threads: ThreadPoolExecutor) -> None:
    """Fold until killed."""
    loop, busy = asyncio.get_running_loop(), asyncio.Lock()

    async def in_turn(what: Callable[[], T]) -> T:
        async with busy:
            return await loop.run_in_executor(threads, what)

    transport = Gated(
        app.conf.broker_consumer,
        app,
        keeper=share,
        take_over=lambda partitions: in_turn(partial(share.take_over, partitions)),
    )
    app.transport = transport

    @app.agent(app.topic(topic, schema=Whole(), acks=False), name="peer", concurrency=1)
    async def fold(stream: Any) -> None:
        async for fetched in stream.noack():
            await in_turn(partial(share.fold, fetched))
            transport.ended()

    await app.start()
    await loop.run_in_executor(None, sys.stdin.readline)
    transport.gate.set()
    await asyncio.Event().wait()


def main() -> None:
    """As the module says."""
    logging.basicConfig(level=logging.WARNING)
    server, group, topic, url, ids = sys.argv[1:]
    app = App(group, broker=f"kafka://{server}", **settings(Group((server,), topic)))
    with ThreadPoolExecutor(1) as threads:
        asyncio.run(run(app, topic, Share(Tables(url, ids)), threads))


if __name__ == "__main__":
    main()
