"""Starting those who fold a topic for as long as they are let: Kafka Streams, and our workers."""

import hashlib
import struct
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.peers import tables
from bench.peers.events import PARTITIONS, Profile, Truth
from bench.peers.ground import Ground
from bench.peers.running import BUILD, Missing, Process, python, wait

HERE: Final = Path(__file__).parent
JAVA: Final = ("java", "-Xms512m", "-Xmx1g", "-cp")
_PROFILE: Final = struct.Struct(">qqq")


class Streams(Process):
    """Kafka Streams, exactly once, with a ledger of its own."""

    def __init__(self, ground: Ground, topic: str, threads: int, commit_ms: int) -> None:
        self._topics = ground.topics
        self.title = f"Kafka Streams v2, {_counted(threads, 'thread')}, commit {commit_ms} ms"
        self.group, self.ledger = new_group(), ground.topics.fresh("ledger")
        given = [ground.topics.server, self.group, topic, self.ledger]
        given += [str(ground.folder / self.group), str(threads), str(commit_ms)]
        super().__init__([*JAVA, _classes(), "Peer", *given], said(ground))

    def found(self) -> Truth:
        """What it has committed."""
        lines = []
        for customer, value in self._topics.read(self.ledger):
            event, points = line(value)
            lines.append((event, customer.decode(), points))
        profiles = {
            key.decode(): Profile(*_PROFILE.unpack(value or b""))
            for key, value in self._topics.read(f"{self.group}-profiles-changelog")
        }
        return Truth(profiles, tables.ledger_of(lines))


def line(value: bytes | None) -> tuple[str, int]:
    """The event of a line of Kafka Streams' ledger, and its points."""
    event, _, points = (value or b"").decode().partition(" ")
    return event, int(points)


@contextmanager
def workers(ground: Ground, topic: str, count: int) -> Iterator[list[Process]]:
    """Ours, on empty tables, which begin once each has a share."""
    tables.emptied(ground.urls)
    given = (ground.topics.server, new_group(), topic, ground.urls.fold, ground.ids)
    with ExitStack() as stack:
        found = [
            stack.enter_context(
                Process(python("bench.peers.touchline", *given), said(ground, number))
            )
            for number in range(count)
        ]
        wait(lambda: _have_shares(found), "shares")
        for worker in found:
            worker.go()
        yield found


def titled(ground: Ground, count: int) -> str:
    """What so many of ours are called."""
    return f"Touchline, ids {ground.ids}, {_counted(count, 'worker')}"


def new_group() -> str:
    """The name of another group."""
    return f"peer-{uuid.uuid4().hex[:12]}"


def said(ground: Ground, number: int = 0) -> Path:
    """Where a process's errors go."""
    return ground.folder / f"said-{number}"


def ran(command: Sequence[str]) -> None:
    """Run what prepares a peer; raises ``Missing`` where that can't be."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as cause:
        raise Missing(f"{command[0]} is not installed") from cause
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise Missing(f"{command[0]} failed: {lines[0][:200]}")


def digest(*files: Path) -> str:
    """Another one once a file is another."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _counted(count: int, what: str) -> str:
    """So many of it, in words."""
    return f"{count} {what}{'s' if count > 1 else ''}"


def _have_shares(found: Sequence[Process]) -> bool:
    shares = [worker.last("share") for worker in found]
    return all(shares) and sum(share[0] for share in shares) == PARTITIONS


def _classes() -> str:
    """The class path of the peer in Java; compiled where it is not there yet."""
    source = HERE / "streams"
    folder = BUILD / f"peers-streams-{digest(source / 'pom.xml', source / 'Peer.java')}"
    if not folder.exists():
        draft = BUILD / f"draft-{uuid.uuid4().hex}"
        ran(["mvn", "-q", "-B", "-f", str(source / "pom.xml"), "package", f"-Dinto={draft}"])
        draft.rename(folder)
    return f"{folder}/classes:{folder}/jars/*"
