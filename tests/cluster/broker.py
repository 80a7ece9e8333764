"""A real Kafka broker for tests: one process, its own controller, in a folder, to be killed."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from services.ports import free_port
from services.store.programs import until

VERSION: Final = "4.1.1"
POM: Final = Path(__file__).with_name("pom.xml")
JARS: Final = Path(__file__).parents[2] / "build" / f"kafka-{VERSION}"
CLUSTER_ID: Final = "MkU3OEVBNTcwNTJENDM2Qg"
INSTALL_S: Final = 600
START_S: Final = 120
# It serves a few thousand records: small, started quickly, and beside other work.
SMALL: Final = "-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData".split()
PROPERTIES: Final = """
process.roles={roles}
node.id={node}
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},BEHIND://127.0.0.1:{behind}{listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},BEHIND://127.0.0.1:{before}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=3000
controller.quorum.election.timeout.ms=200
controller.quorum.fetch.timeout.ms=1000
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=2
"""


class NoBroker(Exception):
    """There can be none here; the message says why, in one line."""


class Broker:
    """A broker on a port that it keeps when it is killed and started again."""

    def __init__(
        self, folder: Path, *, beside: "Broker | None" = None, java: Sequence[str] = SMALL
    ) -> None:
        """``beside`` has one join another's cluster, which that one alone controls.

        ``java`` is what its virtual machine is told. Raises ``NoBroker`` where Java or Kafka are
        missing and can't be had.
        """
        self.port = free_port()
        self.controller: int = beside.controller if beside else free_port()
        self.behind, self.before = free_port(), free_port()
        """Where it listens for a proxy, and where it tells clients who come by it to come."""
        self._java = ["java", *java, "-cp", f"{jars()}/*"]
        self._folder = folder
        self._properties = folder / "server.properties"
        self._properties.write_text(
            PROPERTIES.format(
                port=self.port,
                behind=self.behind,
                before=self.before,
                controller=self.controller,
                roles="broker" if beside else "broker,controller",
                node=2 if beside else 1,
                listener="" if beside else f",CONTROLLER://127.0.0.1:{self.controller}",
                folder=folder,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None
        format_ = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c")
        _ran([*self._java, *format_, str(self._properties)], within_s=START_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def server(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that it is now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Run it, and return once it answers."""
        said = (self._folder / "said").open("ab")
        self._process = subprocess.Popen(
            [*self._java, "kafka.Kafka", str(self._properties)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        said.close()
        for _ in until(START_S, every_s=0.05):
            if self._process.poll() is not None:
                break
            if _listens(self.port):
                return
        raise AssertionError((self._folder / "said").read_text()[-2000:])

    def kill(self) -> None:
        """``kill -9``; return when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def jars() -> Path:
    """The folder of Kafka's classes, filled by Maven where it is not there yet.

    Raises ``NoBroker``.
    """
    if not JARS.exists():
        JARS.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=JARS.parent) as draft:
            goal = ("dependency:copy-dependencies", f"-DoutputDirectory={draft}/jars")
            _ran(["mvn", "-q", "-B", "-f", str(POM), *goal], within_s=INSTALL_S)
            if not JARS.exists():
                shutil.move(f"{draft}/jars", JARS)
    return JARS


def _ran(command: list[str], *, within_s: float) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=within_s, check=False
        )
    except FileNotFoundError as cause:
        raise NoBroker(f"{command[0]} is not installed") from cause
    except subprocess.TimeoutExpired as cause:
        raise NoBroker(f"{command[0]} took more than {within_s:g} s") from cause
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise NoBroker(f"{command[0]} failed: {lines[0][:200]}")
