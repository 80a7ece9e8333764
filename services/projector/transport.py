"""The transport: Faust's driver for Kafka, changed to hand over a fetch at a time.

As it comes, the driver makes a message, a queue entry and an acknowledgement of every record, and
goes on where the broker believes it was. Here a message is all that came until it could be folded,
and the store says where to go on. What is overridden is not all documented: Faust is pinned, and
tests/contract/test_faust_hooks.py notices where it moved.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol

from faust import Schema
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message
from typing_extensions import override

from services.errors import Misconfigured
from services.fold.batch import Batch, Slice
from services.log.port import CONTROL, Stored
from services.projector.thread import Thread

AT_ONCE: Final = 1
"""Messages on their way. The driver fetches meanwhile; what came is taken when it can be folded, so
that all goes along that came until then."""
MOST_HOLES: Final = 3
TakeOver = Callable[[frozenset[int]], Awaitable[Mapping[int, int]]]
Fetched = Sequence[tuple[int, Sequence[Any]]]
"""Partitions, and the records of each as the driver has them."""


class Keeper(Protocol):
    """What the transport asks of whoever folds."""

    @property
    def came(self) -> Mapping[int, int]:
        """How far each partition has come."""

    def may_fold(self, partition: int, recorded_at: datetime) -> bool:
        """Whether they may be folded already."""


class Whole(Schema[Any, Any]):
    """Lets a message's value through as it is."""

    @override
    def loads_key(self, app: Any, message: Message, **_: Any) -> None:
        """There are no keys."""

    @override
    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """What the consumer put in."""
        return message.value


class Consumer(driver.Consumer):
    """Reads the partitions that the group gives this process."""

    transport: "Transport"
    _thread: Thread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next: dict[TP, int] = {}
        self._holes = 0
        self._kept: dict[TP, list[Any]] = {}
        """Fetched, and not folded yet; partitions that are ahead of control are paused."""

    @override
    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    @override
    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """What came since the last time: control's records, and all others, a message each."""
        if not await self.transport.has_room(timeout):
            return
        records, _ = await self._wait_next_records(timeout)
        self._thread.pace(self.transport.took_s if records else None)
        for fetched, found in (records or {}).items():
            # The client's own keys are equal to Faust's, and no part of its sets.
            tp = ensure_TP(fetched)
            if following := await self._following(tp, found):
                self._kept.setdefault(tp, []).extend(following)
        for pieces in self._ready():
            self.transport.begun()
            yield pieces[0][0], self._message(pieces)

    @override
    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to where the store has come in each partition that is ours."""
        tps = {tp.partition: tp for tp in self.assignment()}
        found = await self.transport.take_over(frozenset(tps))
        positions = {tp: found[partition] for partition, tp in tps.items()}
        # Before the seek: what a fetch under way still brings is told apart by it.
        self._next, self._holes = dict(positions), 0
        self._kept.clear()
        await self.seek_wait(positions)
        return positions

    @override
    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Tell the broker how far the store has come: for who looks at lags, and nobody else."""
        came = self.transport.keeper.came
        news = {
            tp: came[tp.partition]
            for tp in self.assignment()
            if came.get(tp.partition, 0) > (self._committed_offset[tp] or 0)
        }
        if not news or not await self._commit(news):
            return False
        self._committed_offset.update(news)
        return True

    @override
    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: between two messages there are records, which are no gap."""

    async def _following(self, tp: TP, records: Sequence[Any]) -> Sequence[Any]:
        """Those of ``records`` that follow what was read before.

        What was under way when partitions were given out anew may be too early or too late: then it
        is dropped or read again. Raises ``Misconfigured`` where what is missing does not come.
        """
        expected = self._next.get(tp)
        if expected is None:
            return ()
        found = [record for record in records if record.offset >= expected]
        if found and found[0].offset != expected:
            self._holes += 1
            if self._holes > MOST_HOLES:
                raise Misconfigured(
                    f"partition {tp.partition} of topic {tp.topic} goes on at {found[0].offset}, "
                    f"and {expected} was asked for: it has forgotten records (touchline topics "
                    "check)"
                )
            await self.seek_wait({tp: expected})
            return ()
        if found:
            self._next[tp], self._holes = found[-1].offset + 1, 0
        return found

    def _ready(self) -> Iterator[Sequence[tuple[TP, Sequence[Any]]]]:
        """What may be folded, control's apart; partitions whose records may not are paused.

        What does not go on now stays kept: the first records of a share just taken over may come
        before Faust lets messages flow.
        """
        control: list[TP] = []
        others: list[TP] = []
        for tp, records in sorted(self._kept.items()):
            last = datetime.fromtimestamp(records[-1].timestamp / 1_000, UTC)
            if not self.transport.keeper.may_fold(tp.partition, last):
                self.pause_partitions({tp})
                continue
            if tp in self._paused_partitions:
                self.resume_partitions({tp})
            (control if tp.partition == CONTROL else others).append(tp)
        for tps in (control, others):
            if self.should_stop or not self.flow_active:
                return
            if pieces := [(tp, self._kept.pop(tp)) for tp in tps if tp in self._kept]:
                yield pieces

    def _message(self, pieces: Sequence[tuple[TP, Sequence[Any]]]) -> ConsumerMessage:
        """A message of all ``pieces``, as if it were the last record of the first."""
        tp, records = pieces[0]
        last = records[-1]
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=last.offset,
            timestamp=last.timestamp / 1_000,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=[(of.partition, found) for of, found in pieces],  # type: ignore[arg-type]
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )


class Transport(driver.Transport):
    """Makes such consumers, and counts their messages that are on the way."""

    Consumer: ClassVar[type[driver.Consumer]] = Consumer

    def __init__(self, urls: Any, app: Any, *, keeper: Keeper, take_over: TakeOver) -> None:
        """``take_over`` calls the keeper's where it may take its time."""
        super().__init__(urls, app)
        self.keeper, self._take_over = keeper, take_over
        self._under_way = 0
        self._began_s = 0.0
        self.took_s = 0.0
        """From when the last message was begun until it was folded."""
        self._room = asyncio.Event()
        self._room.set()

    async def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Where to go on; messages of before are no longer counted."""
        found = await self._take_over(partitions)
        self._under_way = 0
        self._room.set()
        return found

    async def has_room(self, timeout_s: float) -> bool:
        """Whether another message may be made; waits for that."""
        try:
            await asyncio.wait_for(self._room.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def begun(self) -> None:
        """A message is on its way."""
        self._began_s = time.monotonic()
        self._under_way += 1
        if self._under_way >= AT_ONCE:
            self._room.clear()

    def ended(self) -> None:
        """A message was folded, or dropped."""
        self.took_s = time.monotonic() - self._began_s
        self._under_way = max(0, self._under_way - 1)
        if self._under_way < AT_ONCE:
            self._room.set()


def slices(fetched: Fetched) -> Batch:
    """A message's value as the folds take it."""
    return [
        Slice(
            partition,
            records[0].offset,
            [
                Stored(
                    record.offset,
                    datetime.fromtimestamp(record.timestamp / 1_000, UTC),
                    record.value or b"",
                )
                for record in records
            ],
        )
        for partition, records in fetched
    ]
