"""Freshness: how far reads are behind the log, and waiting until they have come far enough."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from services.clock import Clock
from services.errors import Refused, Timeout, TouchlineError, Unavailable
from services.log.port import Log, Position
from services.log.position import covers, merge

POLL_S: Final = 0.002
"""A look at the checkpoints costs 0.2 ms, and nobody looks unless somebody waits."""
WAIT_S: Final = 10.0
SAMPLE_S: Final = 0.5
"""The age of a lag that may be told again: measuring reads a record of each late partition."""


@dataclass(eq=False, slots=True)
class _Waiter:
    wanted: Position
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"

    def tell(self, error: Exception | None = None) -> None:
        """Let it go on, from any thread."""
        self.loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Freshness:
    """Knows how far ``applied`` says reads have come; one thread looks for all who wait."""

    def __init__(self, applied: Callable[[], Position], log: Log, clock: Clock) -> None:
        self._applied, self._log, self._clock = applied, log, clock
        self._latest: Position = {}
        self._waiters: set[_Waiter] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._sampling = threading.Lock()
        self._sample = (float("-inf"), 0.0)

    @property
    def latest(self) -> Position:
        """The last position seen; it may be older than the truth, never newer."""
        return self._latest

    def saw(self, position: Position) -> None:
        """Remember a position that was read elsewhere."""
        self._latest = merge(self._latest, position)

    async def wait(self, wanted: Position, timeout_s: float = WAIT_S) -> None:
        """Return once ``wanted`` is applied; raises ``Timeout``, ``Unavailable``, ``Refused``."""
        if covers(self._latest, wanted):
            return
        if wanted and max(wanted) >= self._log.partitions:
            raise Refused(
                f"names partition {max(wanted)}, and there are {self._log.partitions}",
                "send a Touchline-Position of this platform",
                field="Touchline-Wait-For",
            )
        loop = asyncio.get_running_loop()
        waiter = _Waiter(wanted, loop, loop.create_future())
        self._enter(waiter)
        try:
            await asyncio.wait_for(waiter.done, timeout_s)
        except TimeoutError as cause:
            raise Timeout(
                f"was not applied within {timeout_s:g} s; what was written is safe"
            ) from cause
        finally:
            with self._changed:
                self._waiters.discard(waiter)

    def lag_s(self) -> float:
        """Seconds that the oldest record not applied has waited, a second ago at most.

        Whoever asks often is told the last measure while another thread takes the next: taken in
        one of twelve answers it would be what they all wait for (p95 21 ms instead of 13).
        """
        measured_at, lag_s = self._sample
        age_s = monotonic() - measured_at
        if age_s < SAMPLE_S or not self._sampling.acquire(blocking=False):
            return lag_s
        if age_s < 2 * SAMPLE_S:
            threading.Thread(target=self._take_sample, name="lag", daemon=True).start()
            return lag_s
        self._take_sample()
        return self._sample[1]

    def _take_sample(self) -> None:
        """Measure, and let others measure again; where that fails, the last measure stands."""
        try:
            self._sample = monotonic(), self.measure()
        except TouchlineError:
            self._sample = monotonic(), self._sample[1]
        finally:
            self._sampling.release()

    def measure(self) -> float:
        """The lag as it is now; raises ``Unavailable``."""
        applied = self._applied()
        self.saw(applied)
        now, oldest = self._clock.now(), 0.0
        for partition, end in self._log.ends().items():
            first = applied.get(partition, 0)
            if end > first and (records := self._log.read(partition, first, 1)):
                oldest = max(oldest, (now - records[0].recorded_at).total_seconds())
        return oldest

    def close(self) -> None:
        """Stop looking; whoever waits is told ``Unavailable``."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        # Kept for good: what is measured is finished, and nothing is measured any more.
        self._sampling.acquire()

    def _enter(self, waiter: _Waiter) -> None:
        with self._changed:
            if self._is_closed:
                raise Unavailable("this process is stopping")
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="freshness", daemon=True)
                self._thread.start()
            self._waiters.add(waiter)
            self._changed.notify_all()

    def _look(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiters or self._is_closed)
                waiting = list(self._waiters)
                if self._is_closed:
                    break
            self._settle(waiting)
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed, POLL_S)
        for waiter in waiting:
            waiter.tell(Unavailable("this process is stopping"))

    def _settle(self, waiting: list[_Waiter]) -> None:
        """Look once, and let those go on who need not wait any more."""
        try:
            self.saw(self._applied())
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must hear of it
            self._tell(waiting, error)
            return
        self._tell([waiter for waiter in waiting if covers(self._latest, waiter.wanted)])

    def _tell(self, settled: list[_Waiter], error: Exception | None = None) -> None:
        with self._changed:
            self._waiters.difference_update(settled)
        for waiter in settled:
            waiter.tell(error)
