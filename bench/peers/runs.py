"""How each of them is run on the ground, timed, and found right."""

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.peers import tables
from bench.peers.events import Profile, Truth
from bench.peers.ground import Ground
from bench.peers.meter import Run
from bench.peers.running import BUILD, Process, check, follow, python, wait
from bench.peers.starting import HERE, Streams, digest, new_group, ran, said, titled, workers


def faust(ground: Ground) -> Iterator[Run]:
    """An agent, one event a transaction."""
    work, store = ground.slow, ground.urls.fold
    given = (ground.topics.server, new_group(), work.topic, store, work.count)
    command = python("bench.peers.faust_idiom", *given)
    yield _singly(
        ground, "Faust, its guide's way, a transaction an event", Process(command, said(ground))
    )


def quix(ground: Ground) -> Iterator[Run]:
    """One event a transaction; and state in its RocksDB."""
    program = [str(_environment()), "-m", "bench.peers.quix", ground.topics.server]
    slow = ["sql", ground.urls.fold, str(ground.slow.count)]
    command = [*program, new_group(), ground.slow.topic, *slow]
    yield _singly(ground, "Quix Streams, a transaction an event", Process(command, said(ground)))

    title, group, work = "Quix Streams, exactly once, RocksDB", new_group(), ground.whole
    ledger = ground.topics.fresh("ledger")
    command = [*program, group, work.topic, "state", ledger, str(ground.folder / group)]
    with Process(command, said(ground)) as process:
        run = _committed(ground, title, process, group)
    lines = [json.loads(value or b"") for _, value in ground.topics.read(ledger)]
    profiles = {}
    for key, value in ground.topics.read(f"changelog__{group}--{work.topic}--default"):
        customer, _, what = key.rpartition(b"|")
        if what == b'"profile"':
            profiles[customer.decode()] = Profile(*json.loads(value or b""))
    found = tables.ledger_of([(line["id"], line["customer"], line["points"]) for line in lines])
    check(title, Truth(profiles, found), work.truth)
    yield run


def streams(ground: Ground) -> Iterator[Run]:
    """Kafka Streams by one and by two threads, and at its best: as it comes it commits often."""
    for threads, commit_ms in ((1, 100), (2, 100), (2, 1_000)):
        with Streams(ground, ground.whole.topic, threads, commit_ms) as process:
            run = _committed(ground, process.title, process, process.group)
        check(process.title, process.found(), ground.whole.truth)
        yield run


def touchline(ground: Ground) -> Iterator[Run]:
    """Ours, by one and by two workers."""
    for count in (1, 2):
        title = titled(ground, count)
        with workers(ground, ground.whole.topic, count) as found:
            run = _timed(ground, title, found, lambda: tables.came(ground.urls))
        check(title, tables.found(ground.urls), ground.whole.truth)
        yield run


PEERS: Final[Mapping[str, Callable[[Ground], Iterator[Run]]]] = {
    "faust": faust,
    "quix": quix,
    "streams": streams,
    "touchline": touchline,
}


def _singly(ground: Ground, title: str, process: Process) -> Run:
    """Somebody who does an event a transaction, and says when the last was committed."""
    tables.emptied(ground.urls)
    with process:
        process.wait_for("began")
        before = ground.meter.read([process])
        (ended_s,), (began_s,) = process.wait_for("ended"), process.wait_for("began")
        cost = ground.meter.read([process]).since(before)
    check(title, tables.found(ground.urls), ground.slow.truth)
    return Run(title, ground.slow.count, ended_s - began_s, cost)


def _committed(ground: Ground, title: str, process: Process, group: str) -> Run:
    """Somebody who is done once the group has committed everything."""
    topic = ground.whole.topic
    return _timed(ground, title, [process], lambda: ground.topics.came(group, topic))


def _timed(
    ground: Ground, title: str, processes: Sequence[Process], came: Callable[[], int]
) -> Run:
    """From the first event at hand until as many are folded as there are."""
    wait(lambda: any(process.last("began") for process in processes), title)
    before = ground.meter.read(processes)
    follow(came, ground.whole.count, title, processes)
    ended_s, cost = time.time(), ground.meter.read(processes).since(before)
    began_s = min(process.wait_for("began")[0] for process in processes)
    return Run(title, ground.whole.count, ended_s - began_s, cost)


def _environment() -> Path:
    """The Python that has Quix Streams; made where it is not there yet."""
    pins = HERE / "quix.txt"
    folder = BUILD / f"peers-quix-{digest(pins)}"
    if not folder.exists():
        draft = BUILD / f"draft-{uuid.uuid4().hex}"
        ran([sys.executable, "-m", "venv", str(draft)])
        pip = [str(draft / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        ran([*pip, "install", "--require-hashes", "--requirement", str(pins)])
        draft.rename(folder)
    return folder / "bin" / "python"
