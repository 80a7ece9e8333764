"""The thread in which the driver's client of Kafka fetches.

What is overridden is not all documented either: see ``transport``.
"""

from typing import Any, Final

from faust.transport.drivers import aiokafka as driver
from mode.threads import WorkerThread
from typing_extensions import override

SHORTEST_WAIT_MS: Final = 20
LONGEST_WAIT_MS: Final = 100
"""A fetch that finds nothing comes back, after 1.5 s as it comes: until then none is sent for the
partitions that were not in it."""
PLENTY: Final = 1 << 20
"""Bytes with which a fetch waits no longer."""
TOGETHER_S: Final = 1.0
"""Partitions of a broker are fetched together, once all that was fetched is taken: after a tenth of
a second, as it comes, the others were fetched alone, and these waited for it."""
ENDED_S: Final = 5.0


class Background(WorkerThread):
    """One that keeps no process whose work is done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True

    @override
    def stop(self) -> None:
        """Whoever asks waits for it, though not for ever: its event loop is at rest meanwhile."""
        self.join(ENDED_S)


class Thread(driver.AIOKafkaConsumerThread):
    """The thread of the driver's own client, which fetches so that nobody waits for another."""

    Worker = Background

    @override
    async def on_start(self) -> None:
        """As it comes, but for how long a fetch waits."""
        await super().on_start()
        self._fetcher: Any = self._ensure_consumer()._fetcher  # noqa: SLF001 - no setting of theirs
        vars(self._fetcher).update(_prefetch_backoff=TOGETHER_S)
        self.pace(None)

    def pace(self, folding_s: float | None) -> None:
        """How fetches wait from now on, the one under way aside.

        A trickle travels together, gathered by the broker for as long as what it brought last is
        likely to be folded: a fetch that ended with the first record would leave all that came
        after it for the next. Of what comes after a pause (None) the first is folded at once.
        """
        if folding_s is None:
            wait_ms, least = LONGEST_WAIT_MS, 1
        else:
            wait_ms = min(max(SHORTEST_WAIT_MS, int(1_000 * folding_s)), LONGEST_WAIT_MS)
            least = PLENTY
        vars(self._fetcher).update(_fetch_max_wait_ms=wait_ms, _fetch_min_bytes=least)
