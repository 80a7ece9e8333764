"""The ground: a broker, a database and the work, where all of them run."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers import tables
from bench.peers.events import Event
from bench.peers.meter import Meter
from bench.peers.running import BUILD, Work
from bench.peers.topics import Topics
from services.data_dir import DataDir
from services.store.urls import Urls
from tests.cluster.broker import Broker

JAVA: Final = "-Xms512m -Xmx512m".split()
"""For the broker, else as it comes: a test's would hold up those who write much to it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where all of them run."""

    topics: Topics
    urls: Urls
    folder: Path
    meter: Meter
    ids: str
    slow: Work
    """Less of it, for who does an event a transaction."""
    whole: Work


@contextmanager
def grounded(events: Sequence[Event], slow: int, ids: str) -> Iterator[Ground]:
    """A broker with the events, and a database; ``slow`` of them for who is.

    Raises ``NoBroker`` where none can be had.
    """
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="touchline-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        server = os.environ.get("TOUCHLINE_TEST_KAFKA")
        pids: list[int] = []
        if not server:
            (folder / "kafka").mkdir()
            broker = stack.enter_context(Broker(folder / "kafka", java=JAVA))
            server, pids = broker.server, [broker.pid]
        urls = stack.enter_context(tables.database(folder / "postgres"))
        topics = stack.enter_context(closing(Topics(server)))
        meter = Meter(pids, DataDir.at(folder / "postgres").postgres)
        works = Work.of(events[:slow], topics), Work.of(events, topics)
        yield Ground(topics, urls, folder, meter, ids, *works)
