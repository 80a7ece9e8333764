"""The worker: a Faust app with one agent, which folds the share that Kafka's group gives it.

Crash-only: whatever goes wrong ends the process, and whoever started it starts it anew, from where
the store has come. Nothing is kept in Faust's tables, nothing acknowledged to Kafka but as a hint.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import faust
import mode
import structlog

from services.fold.loop import BATCH
from services.projector.share import Share
from services.projector.transport import Fetched, Transport, Whole, slices

SESSION_S: Final = 6.0
"""The least that Kafka allows as it comes."""
HEARTBEATS: Final = 4
"""Of a session: one that comes late, or two that are lost, cost nobody their partitions."""
REBALANCE_S: Final = 30.0
"""The others wait so long for one that has a batch under way."""
HINT_S: Final = 5.0
METADATA_S: Final = 3.0
"""A broker that has only begun may know no partitions of the topic: whoever divides them then gives
nobody any, until it looks again; after five minutes, as it comes."""
FETCH_BYTES: Final = 4 << 20
"""Of a partition, packed: more than a batch, so that a backlog is folded by whole batches."""
UNUSED: Final = 1_000
"""More messages than ever wait: the transport's own count is what holds them back."""
TURN_S: Final = 0.1
LEAVE_S: Final = 15.0

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Group:
    """Workers that share a topic's partitions."""

    servers: Sequence[str]
    topic: str
    session_s: float = SESSION_S
    """A worker that is silent for so long is replaced."""

    @property
    def id(self) -> str:
        """By which Kafka knows it."""
        return f"{self.topic}.projector"


class App(faust.App):
    """Faust's, without the folders that it makes for tables."""

    async def on_first_start(self) -> None:
        """Nothing."""


def work(group: Group, share: Share, stop: threading.Event) -> None:
    """Fold what is ours until ``stop`` is set; the batch under way is finished then.

    Raises what made it crash.
    """
    # They also raise what they log, or it is of no interest.
    for name in ("faust", "mode"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    runner = asyncio.Runner()
    with ThreadPoolExecutor(1, thread_name_prefix="fold") as threads:
        worker = _Worker(group, share, threads)
        try:
            runner.run(worker.run(stop))
        finally:
            # It waits for all that is under way.
            if not worker.is_cut_off:
                runner.close()


class _Worker:
    """One run of the app; folds in a thread of its own, so that heartbeats go on."""

    def __init__(self, group: Group, share: Share, threads: ThreadPoolExecutor) -> None:
        self._group, self._share, self._threads = group, share, threads
        self.is_cut_off = False
        """Whether something of the app is still under way."""

    async def run(self, stop: threading.Event) -> None:
        share, self._busy = self._share, asyncio.Lock()
        app = self._app()
        starting = asyncio.ensure_future(app.start())
        try:
            while not (stop.is_set() or app.should_stop):
                share.watch.turn()
                if starting.done():
                    starting.result()
                settled = await self._in_turn(share.settle) if share.may_be_due else 0
                if not settled:
                    await asyncio.sleep(TURN_S)
        finally:
            share.give_up()
            await self._leave(app, starting)
        if app.crash_reason is not None:
            raise app.crash_reason

    def _app(self) -> App:
        broker = [f"kafka://{server}" for server in self._group.servers]
        app = App(self._group.id, broker=broker, **settings(self._group))
        transport = Transport(
            app.conf.broker_consumer,
            app,
            keeper=self._share,
            take_over=lambda partitions: self._in_turn(partial(self._share.take_over, partitions)),
        )
        app.transport = transport
        topic = app.topic(self._group.topic, schema=Whole(), acks=False)

        @app.agent(topic, name="projector", concurrency=1)
        async def fold(stream: Any) -> None:
            async for fetched in stream.noack():
                await self._in_turn(partial(self._fold, fetched))
                transport.ended()

        @app.on_partitions_revoked.connect
        async def let_go(*_: Any, **__: Any) -> None:
            self._share.give_up()
            # Whoever is given them next begins where this batch ends.
            await self._in_turn(_nothing)

        return app

    def _fold(self, fetched: Fetched) -> None:
        self._share.fold(slices(fetched))

    async def _in_turn(self, what: Callable[[], T]) -> T:
        """Let the thread do it, after what it does already, and wait for that whatever comes."""
        async with self._busy:
            doing = asyncio.get_running_loop().run_in_executor(self._threads, what)
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:
                await asyncio.wait([doing])
                raise

    async def _leave(self, app: App, starting: "asyncio.Future[None]") -> None:
        """Finish what is under way, and tell the group that we go.

        Now and then the client's connections do not end, and whatever waits for them holds out
        against being cancelled. All that was folded is committed: it is left as it stands.
        """
        await self._in_turn(_nothing)
        leaving = asyncio.ensure_future(_left(app, starting))
        await asyncio.wait([leaving], timeout=LEAVE_S)
        if leaving.done():
            leaving.result()
        else:
            self.is_cut_off = True
            log.warning("projector.cut_off", waited_s=LEAVE_S)


async def _left(app: App, starting: "asyncio.Future[None]") -> None:
    while not starting.done():
        # Again and again: Python 3.11 drops a cancellation where what was waited for just came.
        starting.cancel()
        await asyncio.wait([starting], timeout=TURN_S)
    if not starting.cancelled():
        # Whoever leaves minds no more that it went wrong; unseen, asyncio would tell of it.
        starting.exception()
    await app.stop()


def settings(group: Group) -> dict[str, Any]:
    """How Faust is set up: nothing of its own is kept, and whatever fails ends it."""
    return {
        "agent_supervisor": mode.CrashingSupervisor,
        "autodiscover": False,
        "broker_commit_interval": HINT_S,
        "broker_heartbeat_interval": group.session_s / HEARTBEATS,
        "broker_max_poll_records": BATCH,
        "broker_rebalance_timeout": REBALANCE_S,
        "broker_session_timeout": group.session_s,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": FETCH_BYTES,
        "consumer_metadata_max_age_ms": int(1_000 * METADATA_S),
        "key_serializer": "raw",
        "processing_guarantee": "at_least_once",
        "store": "memory://",
        "stream_buffer_maxsize": UNUSED,
        "stream_recovery_delay": 0.0,
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "value_serializer": "raw",
        "web_enabled": False,
    }


def _nothing() -> None:
    return None
