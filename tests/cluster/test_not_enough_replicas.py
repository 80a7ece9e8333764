"""A broker that has too few replicas to acknowledge anything, until somebody puts that right."""

import gc
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from services.errors import Unavailable
from services.log.kafka import producer
from services.log.kafka.address import parse
from services.log.kafka.log import KafkaLog
from services.log.port import Entry
from services.store.programs import until
from tests.campaign import Campaign
from tests.cluster.broker import Broker
from tests.cluster.topics import fresh
from tests.contract.log import payloads
from tests.reported import Fault, Noted

AT_ONCE = 50
BETWEEN = 500
"""Records acknowledged before anything goes wrong, and after it was put right."""
PATIENCE_S = 60.0


@pytest.fixture
def leavings() -> Iterator[None]:
    """Collects what aiokafka leaves of producers that were let go while a broker was away."""
    yield
    gc.collect()


# A connection that it was opening as the log was closed, which nobody can reach to close it.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("leavings")
@pytest.mark.fault(Fault.REPLICAS)
def test_what_too_few_replicas_would_keep_is_refused_and_what_was_acknowledged_is_there(
    mortal: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    long_campaign: Campaign,
    noted: Noted,
) -> None:
    kills = 3
    # It tries again for so long before it says that it can't.
    monkeypatch.setattr(producer, "REQUEST_MS", 500)
    with two_brokers(mortal, tmp_path) as second:
        url = fresh(mortal.server)
        require_in_sync(url, 2)
        with closing(KafkaLog(url)) as log:
            with writing(log) as writer:
                for kill in range(kills):
                    writer.comes_to(len(writer.acknowledged) + BETWEEN)
                    second.kill()
                    writer.is_refused(writer.refused.total() + 1)
                    during = len(writer.acknowledged)
                    writer.is_refused(writer.refused.total() + 1)
                    assert len(writer.acknowledged) == during, "nothing is taken in"
                    if kill + 1 < kills:
                        second.start()
                require_in_sync(url, 1)
                writer.comes_to(len(writer.acknowledged) + BETWEEN)
            times = Counter(payloads(log.read(1, 0, 1_000_000)))

    told = writer.acknowledged
    noted.add(
        kills=kills,
        events=len(told),
        lost=sum(times[payload] == 0 for payload in told),
        doubled=sum(times[payload] > 1 + writer.refused[payload] for payload in told),
    )
    assert times.keys() == set(told)
    # What was refused may be there all the same, and folds know it by its id.
    assert all(count <= 1 + writer.refused[payload] for payload, count in times.items())


class Writer:
    """Appends one group after the other; what is refused, until it is acknowledged."""

    def __init__(self, log: KafkaLog) -> None:
        self._log = log
        self.acknowledged: list[bytes] = []
        self.refused: Counter[bytes] = Counter()
        self.is_over = threading.Event()

    def run(self) -> None:
        """Until ``is_over``."""
        while not self.is_over.is_set():
            first = len(self.acknowledged)
            some = [f"{number}".encode() for number in range(first, first + AT_ONCE)]
            while not self._is_taken(some):
                pass
            self.acknowledged += some

    def comes_to(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        assert any(len(self.acknowledged) >= count for _ in until(PATIENCE_S))

    def is_refused(self, count: int) -> None:
        """Wait until records were refused so often in all."""
        assert any(self.refused.total() >= count for _ in until(PATIENCE_S))

    def _is_taken(self, some: list[bytes]) -> bool:
        try:
            self._log.append([Entry(1, payload) for payload in some])
        except Unavailable:
            self.refused.update(some)
            return False
        return True


@contextmanager
def writing(log: KafkaLog) -> Iterator[Writer]:
    """At work until the block ends."""
    writer = Writer(log)
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(writer.run)
        try:
            yield writer
        finally:
            writer.is_over.set()
        work.result()


@contextmanager
def two_brokers(first: Broker, folder: Path) -> Iterator[Broker]:
    """A second one in the cluster of the first, which is alone again after the block."""
    with (
        closing(KafkaAdminClient(bootstrap_servers=[first.server])) as admin,
        Broker(folder, beside=first) as second,
    ):
        assert any(living(admin) == 2 for _ in until(PATIENCE_S))
        try:
            yield second
        finally:
            second.kill()
            forget(first.port, node=2)


def living(admin: KafkaAdminClient) -> int:
    """How many brokers there are, as the first sees it."""
    return sum(not one["is_fenced"] for one in admin.describe_cluster()["brokers"])


def forget(port: int, *, node: int) -> None:
    """Have the cluster forget a broker: else it counts as one that is away, for all who come after.

    No client of ours can say it: https://kafka.apache.org/protocol#The_Messages_UnregisterBroker
    """
    asked = struct.pack(">hhih4sBiB", 64, 0, 1, 4, b"test", 0, node, 0)
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(struct.pack(">i", len(asked)) + asked)
        answer = line.recv(1_000)
    assert struct.unpack_from(">h", answer, 13) == (0,), answer


def require_in_sync(url: str, replicas: int) -> None:
    """How many the topic asks for, of the two that it has."""
    address = parse(url)
    wanted = {"min.insync.replicas": str(replicas)}
    topic = ConfigResource(ConfigResourceType.TOPIC, address.topic, configs=wanted)
    with closing(KafkaAdminClient(bootstrap_servers=list(address.servers))) as admin:
        admin.alter_configs([topic])
