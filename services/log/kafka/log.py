"""The log in Kafka: the partitions of one topic, appended by group and read by offset."""

import threading
from collections.abc import Sequence

from services.log.appender import Appender
from services.log.kafka.address import parse
from services.log.kafka.connection import quiet
from services.log.kafka.producer import COMPRESSION, Producer
from services.log.kafka.reader import Reader
from services.log.kafka.runner import Runner
from services.log.kafka.tail import Tail
from services.log.kafka.topic import checked
from services.log.port import Entry, Position, Stored
from services.log.wakeup import Wakeup


class KafkaLog:
    """The log of a topic that ``touchline topics create`` made.

    Kafka's transactions would make an append of several partitions all or none, and their markers
    would take offsets: so there are none, and an append that failed may be there in part.
    """

    def __init__(self, url: str, *, compression: str | None = COMPRESSION) -> None:
        """Raises ``Unavailable`` without brokers, ``Misconfigured`` where the topic won't do."""
        quiet()
        self._address = parse(url)
        self.partitions = checked(self._address).partitions
        self._runner = Runner("log-kafka")
        self._reader = Reader(self._address, self._runner, self.partitions)
        self._producer = Producer(self._address, self._runner, compression=compression)
        self._appender = Appender(self._producer.commit)
        self._wakeup = Wakeup()
        self._listening = threading.Lock()
        self._tail: Tail | None = None
        self._is_closed = False

    def append(self, entries: Sequence[Entry]) -> Position:
        if not all(0 <= entry.partition < self.partitions for entry in entries):
            raise ValueError(f"an entry's partition is not of this log of {self.partitions}")
        return self._appender.append(entries) if entries else {}

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        return self._reader.read(partition, offset, limit)

    def ends(self) -> Position:
        return self._reader.ends()

    def wait(self, timeout_s: float) -> None:
        with self._listening:
            if self._tail is None and not self._is_closed:
                self._tail = Tail(self._address, self._runner, self.partitions, self._wakeup)
        self._wakeup.wait(timeout_s)

    def close(self) -> None:
        self._appender.close()
        with self._listening:
            if self._is_closed:
                return
            self._is_closed = True
            if self._tail is not None:
                self._tail.close()
        self._producer.close()
        self._reader.close()
        self._runner.close()
