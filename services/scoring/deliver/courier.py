"""The courier: one queue a target, worked by few threads, of which dead targets get a part only."""

import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import structlog

from services.clock import Clock
from services.commands.message import TEST
from services.errors import TouchlineError
from services.scoring.deliver.post import Answer
from services.scoring.deliver.schedule import due_at, is_over, pause_s
from services.store.deliveries import Due, Outcome, Queue

THREADS: Final = 32
"""Targets that are served at once; each waits for somebody else's machine, and costs nothing."""
UNPROVEN: Final = THREADS // 2
"""Of them for targets that did not take their last delivery, or none yet: were all of those to
hang, as many threads are left for the others."""
AT_ONCE: Final = 50
"""Deliveries to one target before others have their turn."""
NOTE_S: Final = 1.0
"""Between two attempts to write down what was sent."""
KEPT: Final = timedelta(days=30)
"""How long what ended can be looked at and sent again."""

Send: TypeAlias = Callable[[Due, datetime], Answer]
log = structlog.get_logger()


class _Failing(NamedTuple):
    times: int
    until: datetime
    """Left alone until then."""


class Courier:
    """Sends what is due; ``turn`` hands it out, threads of its own do it."""

    def __init__(
        self,
        queue: Queue,
        send: Send,
        clock: Clock,
        *,
        threads: int = THREADS,
        unproven: int = UNPROVEN,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._queue, self._send, self._clock, self._chance = queue, send, clock, chance
        self._threads, self._unproven = threads, unproven
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="deliver")
        self._changed = threading.Condition()
        self._busy: dict[str, bool] = {}
        """Targets that are served now, and whether they are proven."""
        self._served: dict[str, int] = {}
        """When each was last served, by number."""
        self._numbers = itertools.count(1)
        self._proven: set[str] = set()
        self._failing: dict[str, _Failing] = {}
        self._stopping = threading.Event()

    def turn(self) -> int:
        """Have a thread serve each target that something is due for; how many those are.

        Raises ``Unavailable``.
        """
        now, begun = self._clock.now(), 0
        # Whoever was served last comes last: none waits for others that fail time and again.
        waiting = self._queue.waiting(now)
        for target_id in sorted(waiting, key=lambda one: self._served.get(one, 0)):
            with self._changed:
                if not self._may_serve(target_id, now):
                    continue
                self._busy[target_id] = target_id in self._proven
                self._served[target_id] = next(self._numbers)
            self._pool.submit(self._serve, target_id)
            begun += 1
        return begun

    def purge(self) -> int:
        """Forget some of what ended long ago; how much."""
        return self._queue.purge(self._clock.now() - KEPT)

    def is_idle(self, timeout_s: float) -> bool:
        """Wait until no target is served; False where one still is after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout_s)

    def close(self) -> None:
        """Begin nothing more, and wait for the attempts at hand."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _may_serve(self, target_id: str, now: datetime) -> bool:
        if target_id in self._busy or len(self._busy) >= self._threads:
            return False
        failing = self._failing.get(target_id)
        if failing and now < failing.until:
            return False
        unproven = sum(not is_proven for is_proven in self._busy.values())
        return target_id in self._proven or unproven < self._unproven

    def _serve(self, target_id: str) -> None:
        """Send what is due to one target, one after the other, until it fails."""
        try:
            for _ in range(AT_ONCE):
                due = self._queue.next(target_id, self._clock.now())
                if due is None or self._stopping.is_set() or not self._deliver(due):
                    break
        except TouchlineError as cause:
            log.warning("deliveries.waiting", cause=str(cause))
        except Exception:
            # Nobody looks at what a thread of the pool raises.
            log.exception("deliveries.failed", target=target_id)
            self._pause(target_id, self._clock.now())
        finally:
            with self._changed:
                del self._busy[target_id]
                self._changed.notify_all()

    def _deliver(self, due: Due) -> bool:
        """Whether the target may have the next one now."""
        began = self._clock.now()
        if is_over(due.queued_at, began):
            problem = "was not sent within three days"
            self._note(due, Outcome(began, is_delivered=False, problem=problem, is_attempt=False))
            return True
        answer = self._answer(due, began)
        at = self._clock.now()
        if not answer.problem:
            with self._changed:
                self._proven.add(due.target_id)
                self._failing.pop(due.target_id, None)
            self._note(due, Outcome(at, is_delivered=True, status=answer.status))
            return True
        self._pause(due.target_id, at)
        again = self._again(due, answer, at)
        outcome = Outcome(at, is_delivered=False, due_at=again, status=answer.status)
        self._note(due, outcome._replace(problem=answer.problem))
        self._tell(due, answer, is_dead=again is None)
        return False

    def _answer(self, due: Due, at: datetime) -> Answer:
        try:
            return self._send(due, at)
        except TouchlineError:
            raise
        except Exception:
            # One message that we can't put into words must not keep all others from their targets.
            log.exception("deliveries.failed", delivery=due.delivery_id, type=due.type)
            return Answer(problem="could not be put together; Touchline's log says why")

    def _again(self, due: Due, answer: Answer, at: datetime) -> datetime | None:
        # Whoever tries a target out looks at what came of it now.
        if due.type == TEST:
            return None
        chance, asked_s = self._chance(), answer.asked_s
        return due_at(due.attempts + 1, due.queued_at, at, chance=chance, asked_s=asked_s)

    def _pause(self, target_id: str, at: datetime) -> None:
        with self._changed:
            self._proven.discard(target_id)
            before = self._failing.get(target_id)
            times = before.times + 1 if before else 1
            until = at + timedelta(seconds=pause_s(times, chance=self._chance()))
            self._failing[target_id] = _Failing(times, until)

    def _note(self, due: Due, outcome: Outcome) -> None:
        """Write it down, however long the store is away: else it would be sent again."""
        while True:
            try:
                self._queue.note(due, outcome)
            except TouchlineError as cause:
                log.warning("deliveries.unwritten", delivery=due.delivery_id, cause=str(cause))
                if self._stopping.wait(NOTE_S):
                    return
            else:
                return

    def _tell(self, due: Due, answer: Answer, *, is_dead: bool) -> None:
        name = "deliveries.dead" if is_dead else "deliveries.refused"
        # Without the words of the answer: they are somebody else's, and may name anybody.
        log.warning(
            name,
            delivery=due.delivery_id,
            target=due.target_id,
            attempts=due.attempts + 1,
            status=answer.status,
        )
