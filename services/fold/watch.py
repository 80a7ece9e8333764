"""What can be seen of loops from outside: their turns, and how long batches of folds take."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.store.port import Store, Transaction

STUCK_S: Final = 300.0
"""A turn that takes longer hangs: the database gives up a statement of a batch after 60."""
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Turns:
    """That a loop goes on, as seen from outside: one look at the clock a turn."""

    def __init__(
        self,
        registry: CollectorRegistry,
        now_s: Callable[[], float] = time.monotonic,
        *,
        of: str = "fold",
    ) -> None:
        self.is_active = False
        """Whether this process works; else it stands by, or was given no partitions."""
        self._now_s = now_s
        self._turned_s = now_s()
        Gauge(
            f"touchline_{of}_active",
            "1 where this process works, 0 where it stands by or has no partitions.",
            registry=registry,
        ).set_function(lambda: self.is_active)
        Gauge(
            f"touchline_{of}_turn_age_seconds",
            "Time since the loop last began a turn; one that finds nothing to do takes a second.",
            registry=registry,
        ).set_function(self.age_s)

    def turn(self) -> int:
        """A turn begins; by that nothing was done. A loop that hangs is seen by its absence."""
        self._turned_s = self._now_s()
        return 0

    def age_s(self) -> float:
        """Seconds since the last turn began."""
        return self._now_s() - self._turned_s

    @property
    def is_stuck(self) -> bool:
        """Whether a turn hangs, which only a new process mends."""
        return self.age_s() > STUCK_S


class Watch(Turns):
    """The folds' turns and batches: one observation a batch, nothing an event."""

    def __init__(
        self, registry: CollectorRegistry, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(registry, now_s)
        self._duration_s = Histogram(
            "touchline_fold_batch_duration_seconds",
            "Time of a batch's transaction, from its claim to its commit or its failure.",
            ("outcome",),
            registry=registry,
            buckets=BUCKETS_S,
        )
        for outcome in ("committed", "failed"):
            self._duration_s.labels(outcome)

    def observe(self, duration_s: float, *, is_committed: bool) -> None:
        """Count one batch."""
        outcome = "committed" if is_committed else "failed"
        self._duration_s.labels(outcome).observe(duration_s)


class WatchedStore:
    """A store whose transactions ``watch`` sees; all else is the store's own."""

    def __init__(self, store: Store, watch: Watch) -> None:
        self._store, self._watch = store, watch

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """As the store's."""
        began_s, is_committed = time.perf_counter(), False
        try:
            with self._store.transaction() as tx:
                yield tx
            is_committed = True
        finally:
            self._watch.observe(time.perf_counter() - began_s, is_committed=is_committed)

    def checkpoints(self) -> Mapping[int, int]:
        """As the store's."""
        return self._store.checkpoints()

    def close(self) -> None:
        """As the store's."""
        self._store.close()
