"""How each of them is run on the ground, timed, and found right."""

import hashlib
import json
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers import tables
from bench.peers.events import PARTITIONS, Profile, Truth
from bench.peers.meter import Meter, Run
from bench.peers.running import BUILD, Missing, Process, Work, check, follow, python, wait
from bench.peers.topics import Topics
from services.store.urls import Urls

HERE: Final = Path(__file__).parent
_PROFILE: Final = struct.Struct(">qqq")
JAVA: Final = ("java", "-Xms512m", "-Xmx1g", "-cp")


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


def faust(ground: Ground) -> Iterator[Run]:
    """An agent, one event a transaction."""
    given = (ground.topics.server, _group(), ground.slow.topic, ground.urls.fold, ground.slow.count)
    command = python("bench.peers.faust_idiom", *given)
    yield _singly(
        ground, "Faust, its guide's way, a transaction an event", Process(command, _said(ground))
    )


def quix(ground: Ground) -> Iterator[Run]:
    """One event a transaction; and state in its RocksDB."""
    program = [str(_environment()), "-m", "bench.peers.quix", ground.topics.server]
    slow = ["sql", ground.urls.fold, str(ground.slow.count)]
    command = [*program, _group(), ground.slow.topic, *slow]
    yield _singly(ground, "Quix Streams, a transaction an event", Process(command, _said(ground)))

    title, group, work = "Quix Streams, exactly once, RocksDB", _group(), ground.whole
    ledger = ground.topics.fresh("ledger")
    command = [*program, group, work.topic, "state", ledger, str(ground.folder / group)]
    with Process(command, _said(ground)) as process:
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
    classes = _classes()
    for threads, commit_ms in ((1, 100), (2, 100), (2, 1_000)):
        title = f"Kafka Streams v2, {_counted(threads, 'thread')}, commit {commit_ms} ms"
        group, ledger = _group(), ground.topics.fresh("ledger")
        given = [ground.topics.server, group, ground.whole.topic, ledger]
        given += [str(ground.folder / group), str(threads), str(commit_ms)]
        with Process([*JAVA, classes, "Peer", *given], _said(ground)) as process:
            run = _committed(ground, title, process, group)
        lines = []
        for customer, value in ground.topics.read(ledger):
            event, _, points = (value or b"").decode().partition(" ")
            lines.append((event, customer.decode(), int(points)))
        profiles = {
            key.decode(): Profile(*_PROFILE.unpack(value or b""))
            for key, value in ground.topics.read(f"{group}-profiles-changelog")
        }
        check(title, Truth(profiles, tables.ledger_of(lines)), ground.whole.truth)
        yield run


def touchline(ground: Ground) -> Iterator[Run]:
    """Ours, by one and by two workers."""
    work = ground.whole
    for count in (1, 2):
        title = f"Touchline, ids {ground.ids}, {_counted(count, 'worker')}"
        tables.emptied(ground.urls)
        group = _group()
        given = (ground.topics.server, group, work.topic, ground.urls.fold, ground.ids)
        with ExitStack() as stack:
            workers = [
                stack.enter_context(
                    Process(python("bench.peers.touchline", *given), _said(ground, number))
                )
                for number in range(count)
            ]
            wait(lambda workers=workers: _have_shares(workers), "shares")  # type: ignore[misc]
            for worker in workers:
                worker.go()
            run = _timed(ground, title, workers, lambda: tables.came(ground.urls))
        check(title, tables.found(ground.urls), work.truth)
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


def _have_shares(workers: Sequence[Process]) -> bool:
    shares = [worker.last("share") for worker in workers]
    return all(shares) and sum(share[0] for share in shares) == PARTITIONS


def _environment() -> Path:
    """The Python that has Quix Streams; made where it is not there yet."""
    pins = HERE / "quix.txt"
    folder = BUILD / f"peers-quix-{_digest(pins)}"
    if not folder.exists():
        draft = BUILD / f"draft-{uuid.uuid4().hex}"
        _ran([sys.executable, "-m", "venv", str(draft)])
        pip = [str(draft / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        _ran([*pip, "install", "--require-hashes", "--requirement", str(pins)])
        draft.rename(folder)
    return folder / "bin" / "python"


def _classes() -> str:
    """The class path of the peer in Java; compiled where it is not there yet."""
    source = HERE / "streams"
    folder = BUILD / f"peers-streams-{_digest(source / 'pom.xml', source / 'Peer.java')}"
    if not folder.exists():
        draft = BUILD / f"draft-{uuid.uuid4().hex}"
        _ran(["mvn", "-q", "-B", "-f", str(source / "pom.xml"), "package", f"-Dinto={draft}"])
        draft.rename(folder)
    return f"{folder}/classes:{folder}/jars/*"


def _ran(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as cause:
        raise Missing(f"{command[0]} is not installed") from cause
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise Missing(f"{command[0]} failed: {lines[0][:200]}")


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _group() -> str:
    return f"peer-{uuid.uuid4().hex[:12]}"


def _said(ground: Ground, number: int = 0) -> Path:
    return ground.folder / f"said-{number}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"
