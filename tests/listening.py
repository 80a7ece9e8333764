"""A log with its feed of decisions, and those who listen to it."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas import LifecycleChanged, TierChanged
from schemas.codec import encode
from schemas.envelope import Recorded
from services.errors import Unavailable
from services.log.memory import MemoryLog
from services.log.port import Entry, Position
from services.query.decided import Decision
from services.query.feed import Feed, Subscription

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADA = "0" + "a" * 31


@dataclass
class Place:
    """A log that is folded as far as ``applied``, leaving out some of it, and its feed."""

    log: MemoryLog = field(default_factory=lambda: MemoryLog(4))
    applied: dict[int, int] = field(default_factory=dict)
    left_out: set[tuple[int, int]] = field(default_factory=set)
    is_away: bool = False
    asked: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.feed = Feed(self.log, self.reached, self.skipped, streams=2)

    def reached(self) -> Position:
        return dict(self.applied)

    def skipped(self, partition: int, offsets: Sequence[int]) -> set[int]:
        if self.is_away:
            self.asked.set()
            raise Unavailable("away")
        return {offset for offset in offsets if (partition, offset) in self.left_out}

    def append(self, *decided: tuple[int, Recorded[Any]]) -> None:
        """Append to partitions."""
        self.log.append([Entry(partition, encode(event)) for partition, event in decided])

    def decide(self, *decided: tuple[int, Recorded[Any]]) -> None:
        """Append to partitions, and fold."""
        self.append(*decided)
        self.applied = dict(self.log.ends())

    def older(self, begin: Position, workspace: str = "shop") -> list[str]:
        """The ids of what is between a position and now."""
        pieces = self.feed.between(workspace, begin, self.feed.reached())
        return [id_of(one) for found, _ in pieces for one in found]


def decided(id_: str, workspace: str = "shop", **more: Any) -> Recorded[Any]:
    """A customer became a member of another tier, or came to the stage that ``more`` names."""
    kind = LifecycleChanged if "stage" in more else TierChanged
    data: Any = kind(customer_id=ADA, policy_version=1, **more)
    return Recorded(
        workspace=workspace,
        id=id_,
        source="touchline",
        type=data.type,
        version=1,
        occurred_at=NOON,
        received_at=NOON,
        identifiers=(ADA,),
        digest="d" * 32,
        key_kind="platform",
        data=data,
    )


def id_of(one: Decision) -> str:
    return str(json.loads(one.body)["id"])


@contextmanager
def a_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop at work in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Ear:
    """Hears what one subscription is given."""

    subscription: Subscription

    def hear(self, count: int) -> list[str]:
        """The next so many ids; raises where they do not come."""

        async def heard() -> list[str]:
            ids: list[str] = []
            while len(ids) < count:
                await asyncio.wait_for(self.subscription.news(5), 10)
                assert self.subscription.waiting, "nothing came"
                while self.subscription.waiting:
                    ids.append(id_of(self.subscription.waiting.popleft()))
            return ids

        return asyncio.run_coroutine_threadsafe(heard(), self.subscription.loop).result(20)

    def is_over(self) -> bool:
        async def over() -> bool:
            await asyncio.wait_for(self.subscription.news(5), 10)
            return self.subscription.is_over

        return asyncio.run_coroutine_threadsafe(over(), self.subscription.loop).result(20)


@contextmanager
def listening(place: Place, workspace: str = "shop", *types: str) -> Iterator[Ear]:
    with a_loop() as loop:
        subscription = Subscription(workspace, types, loop)
        place.feed.enter(subscription)
        yield Ear(subscription)
        place.feed.leave(subscription)
