"""The feed: decisions as soon as they are in the log, to all who listen.

What a decision says stands in the rows before it is appended, so nobody has to wait until the folds
have taken it in too. It rests in its customer's partition, so a place in the feed is a position
over all partitions: everything before it was given. One thread a process reads what is new and
hands it to the subscriptions of its workspace; who resumes reads what is older by itself.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from services.errors import Limited, Unavailable
from services.log.port import Log, Position
from services.query.decided import Decision, Reading, Skipped, decisions, remember

MOST_QUEUED: Final = 1_000
"""Decisions that wait for one client: a slower one is cut off, and resumes from the log."""
MOST_STREAMS: Final = 500
"""Of all keys in one process."""
PATIENCE_S: Final = 0.5
EVERY_S: Final = 0.015
"""The least time between two looks, so that a trickle is read together."""
LOOK_BACK: Final = 1_000
"""Records of a partition, before what the folds have yet to take in. What a relay appended and did
not take out is appended again by another within ten seconds, or before anything more is folded."""
RETRY_S: Final = 10

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's part of the feed; all but ``offer`` belongs to its event loop."""

    workspace: str
    types: Collection[str]
    """Which decisions; all if empty."""
    loop: asyncio.AbstractEventLoop
    waiting: deque[Decision] = field(default_factory=deque)
    position: Position = field(default_factory=dict)
    """Everything before it was given, once ``waiting`` is."""
    is_over: bool = False
    """Nothing more comes: the client was too slow, or this process stops."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, found: Sequence[Decision], position: Position) -> None:
        """Hand over what is new; from any thread."""
        mine = [one for one in found if one.workspace == self.workspace and self.wants(one)]
        self._tell(lambda: self._take(mine, position))

    def wants(self, one: Decision) -> bool:
        """Whether it is of a type that was asked for."""
        return not self.types or one.type in self.types

    def end(self) -> None:
        """Let nothing more come; from any thread."""
        self._tell(self._end)

    async def news(self, timeout_s: float) -> None:
        """Return once something waits or all is over, or after ``timeout_s``."""
        if not self.waiting and not self.is_over:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout_s)
            except TimeoutError:
                return

    def _tell(self, change: Callable[[], None]) -> None:
        try:
            self.loop.call_soon_threadsafe(change)
        except RuntimeError:
            # Its loop was closed: nobody listens any more.
            self.is_over = True

    def _take(self, found: Sequence[Decision], position: Position) -> None:
        if self.is_over:
            return
        if len(self.waiting) + len(found) > MOST_QUEUED:
            self._end()
            return
        self.waiting.extend(found)
        self.position = position
        if found:
            self._news.set()

    def _end(self) -> None:
        self.is_over = True
        self._news.set()


class Feed:
    """Tails the log while somebody listens."""

    def __init__(
        self, events: Log, applied: Callable[[], Position], skipped: Skipped, *, streams: int
    ) -> None:
        """``applied`` says how far the folds are; ``streams`` is how many a key may hold open."""
        self._log, self._applied, self._skipped = events, applied, skipped
        self._reading = Reading(events, skipped)
        self._streams = streams
        self._subscriptions: set[Subscription] = set()
        self._held: Counter[str] = Counter()
        self._position: Position = {}
        self._listeners = 0
        """Raised when the first comes after a pause: reading begins anew where the log ends."""
        self._unknown: Position | None = None
        """From there to the position is to be read first, to know again what is in it."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._closing = threading.Event()

    @contextmanager
    def place(self, key_id: str) -> Iterator[None]:
        """A stream of this key for the block; raises ``Limited`` where it holds too many."""
        with self._changed:
            if self._held[key_id] >= self._streams or self._held.total() >= MOST_STREAMS:
                raise Limited(
                    f"more than {self._streams} streams with this key",
                    "close one that is not read, or let one client hand decisions on",
                    retry_after_s=RETRY_S,
                )
            self._held[key_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._held[key_id] -= 1
                self._held += Counter()

    def reached(self) -> Position:
        """How far the log is; raises ``Unavailable``."""
        return self._log.ends()

    def between(
        self, workspace: str, begin: Position, end: Position
    ) -> Iterator[tuple[Sequence[Decision], Position]]:
        """A workspace's decisions from one position to another, piece by piece."""
        reading = Reading(self._log, self._skipped)
        remember(reading, (self._before(begin), begin))
        yield from decisions(reading, (begin, end), {workspace}.__contains__)

    def _before(self, position: Position) -> Position:
        """Where to begin to read, to know again what is appended twice after ``position``."""
        applied = self._applied()
        return {
            partition: max(0, min(offset, applied.get(partition, 0)) - LOOK_BACK)
            for partition, offset in position.items()
        }

    def enter(self, subscription: Subscription) -> Position:
        """Hand all that is new to ``subscription`` from the position on that this gives.

        Raises ``Unavailable``.
        """
        with self._changed:
            if self._is_closed:
                raise Unavailable("this process is stopping")
            if not self._subscriptions:
                self._position = self.reached()
                self._unknown = self._before(self._position)
                self._listeners += 1
            self._subscriptions.add(subscription)
            subscription.position = self._position
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return self._position

    def leave(self, subscription: Subscription) -> None:
        """Hand it nothing more."""
        with self._changed:
            self._subscriptions.discard(subscription)

    def end(self) -> None:
        """End all streams: their clients resume elsewhere, or later."""
        with self._changed:
            self._is_closed = True
            ending = list(self._subscriptions)
            self._changed.notify_all()
        self._closing.set()
        for subscription in ending:
            subscription.end()

    def close(self) -> None:
        """End all streams, and stop reading."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._subscriptions or self._is_closed)
            began_s = monotonic()
            try:
                if not self._closing.is_set() and not self._look():
                    self._log.wait(PATIENCE_S)
                self._closing.wait(max(0.0, EVERY_S - (monotonic() - began_s)))
            except Unavailable:
                self._closing.wait(PATIENCE_S)
            except Exception:
                # Whatever it is, those who listen must not wait for what never comes.
                log.exception("decisions.failed")
                with self._changed:
                    ending, self._subscriptions = list(self._subscriptions), set()
                for subscription in ending:
                    subscription.end()

    def _look(self) -> bool:
        """Hand on what is new; false where nothing is."""
        with self._changed:
            begin, round_, unknown = self._position, self._listeners, self._unknown
            wanted = self._wanted()
        if unknown is not None:
            remember(self._reading, (unknown, begin))
            with self._changed:
                if round_ == self._listeners:
                    self._unknown = None
        end = self.reached()
        if begin == end:
            return False
        for found, position in decisions(self._reading, (begin, end), wanted.__contains__):
            with self._changed:
                if round_ != self._listeners or self._is_closed:
                    break
                if not self._wanted() <= wanted:
                    # Somebody came meanwhile whose decisions were not looked for: read it again.
                    break
                self._position = position
                for subscription in self._subscriptions:
                    subscription.offer(found, position)
        return True

    def _wanted(self) -> set[str]:
        return {subscription.workspace for subscription in self._subscriptions}
