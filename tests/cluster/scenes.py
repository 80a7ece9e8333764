"""A scene for tests of workers: a log that is told a story, and who folds it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from schemas.envelope import Recorded
from services.addresses import Addresses
from services.archive.access import Access
from services.errors import Unavailable
from services.log.open import open_log
from services.log.port import Entry, Log
from services.store.postgres import PostgresStore
from services.store.programs import until
from tests.cluster.workers import USUAL, How, Worker
from tests.histories import entry
from tests.integration.folding import MASTER_KEY, Engine

AT_ONCE: Final = 20
PAUSE_S: Final = 0.02
PATIENCE_S: Final = 90.0
KNOWN_IDS: Final = """
    SELECT (SELECT count(*) FROM seen_young)
         + (SELECT coalesce(sum(length(ids)), 0) / 42 FROM seen_page)
"""


class Scene:
    """A log that is told a story, and workers that fold it."""

    def __init__(
        self, engine: Engine, folder: Path, stack: ExitStack, addresses: Addresses | None
    ) -> None:
        self._engine, self._folder, self._stack = engine, folder, stack
        self._store = stack.enter_context(closing(PostgresStore(engine.urls.fold)))
        self.addresses = addresses or Addresses(engine.urls, engine.log_url, Access(""), MASTER_KEY)

    def worker(self, name: str, how: How = USUAL) -> Worker:
        """One more."""
        return self._stack.enter_context(Worker(self.addresses, self._folder / name, how))

    def folded(self) -> int:
        """Records of which the rows tell."""
        return sum(self._store.checkpoints().values())

    def folds(self, count: int, *, since: int | None = None) -> None:
        """Wait until so many more are folded than now, or than were ``since``."""
        goal = (self.folded() if since is None else since) + count
        self.waits(lambda: self.folded() >= goal)

    def rests(self, seconds: float) -> None:
        """Let so much time pass."""
        threading.Event().wait(seconds)

    def is_done(self) -> bool:
        """Whether nothing is left to fold, to settle, nor to say."""
        ends, came = self._engine.log.ends(), self._store.checkpoints()
        is_folded = all(came.get(partition, 0) >= end for partition, end in ends.items())
        is_settled = is_folded and not self._engine.rows("SELECT 1 FROM unsettled LIMIT 1")
        # What was said between two looks would be in the log by now.
        return is_settled and not self._engine.outbox.waiting(1) and self._engine.log.ends() == ends

    def waits(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        for _ in until(PATIENCE_S, every_s=0.02):
            if holds():
                return
        said = [path.read_text()[-3000:] for path in self._folder.iterdir() if path.is_file()]
        raise AssertionError("\n\n".join(said))


@contextmanager
def a_scene(engine: Engine, folder: Path, *, addresses: Addresses | None = None) -> Iterator[Scene]:
    """One that waits to be told of; its workers find everything at ``addresses``."""
    with ExitStack() as stack:
        yield Scene(engine, folder, stack, addresses)


@contextmanager
def telling(engine: Engine, events: Sequence[Recorded[Any]], *, url: str = "") -> Iterator[None]:
    """Appends while the block is at work, some of it twice; all of it at its end.

    What is refused is appended again, until it is acknowledged.
    """
    with closing(open_log(url or engine.log_url)) as log:
        entries = [entry(event, log.partitions) for event in events]
        hurry = threading.Event()

        def tell() -> None:
            for first in range(0, len(entries), AT_ONCE):
                some = [*entries[first : first + AT_ONCE], *entries[first : first + 1]]
                while not is_appended(log, some):
                    threading.Event().wait(PAUSE_S)
                hurry.wait(PAUSE_S)

        with ThreadPoolExecutor(1) as threads:
            under_way = threads.submit(tell)
            try:
                yield
            finally:
                hurry.set()
            under_way.result()


def is_appended(log: Log, entries: Sequence[Entry]) -> bool:
    """Whether it was acknowledged."""
    try:
        log.append(entries)
    except Unavailable:
        return False
    return True


def has_shares(worker: Worker, count: int) -> bool:
    """Whether it was given that many by now."""
    return worker.shares >= count


def assert_as_alone(shared: Engine, alone: Engine, events: int) -> None:
    """Every event counted once, the sum holds, and one loop gives the same rows."""
    # Whoever ended last may have told the time once more.
    ends = {partition: end for partition, end in shared.store.checkpoints().items() if end}
    for partition, end in ends.items():
        records = shared.log.read(partition, 0, end)
        alone.log.append([Entry(partition, record.payload) for record in records])
    alone.fold()
    counted = shared.rows(
        "SELECT partition, applied + duplicate + dead_lettered, applied FROM checkpoint"
    )
    assert {partition: told for partition, told, _ in counted if told} == ends
    assert sum(applied for *_, applied in counted) >= events
    assert shared.digests() == alone.digests()
    assert shared.rows(KNOWN_IDS) == alone.rows(KNOWN_IDS)
    assert shared.verified().is_ok
