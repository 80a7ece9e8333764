"""The log in PostgreSQL: one row a record batch, offsets given out under the partition's lock."""

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final

from services.log.appender import Appender
from services.log.connection import MendingConnection
from services.log.listener import Listener
from services.log.port import Entry, Position, Stored
from services.log.record_batch import pack, unpack
from services.log.wakeup import Wakeup

FETCH_BYTES: Final = 8_000_000
READ_BYTES: Final = 32_000_000
"""Where a read stops, as fetched and as unpacked: records may be a megabyte each."""

APPEND: Final = "SELECT into_partition, first_offset FROM touchline.append(%b, %b, %b)"
ENDS: Final = "SELECT partition, next_offset FROM touchline.log_head ORDER BY partition"
READ: Final = """
SELECT first_offset, recorded_at, payload
FROM (
    SELECT first_offset, recorded_at, payload, octet_length(payload) AS bytes,
           sum(octet_length(payload)) OVER (ORDER BY first_offset) AS bytes_so_far
    FROM touchline.log_batch
    WHERE partition = %(partition)s
      AND first_offset >= coalesce(
          (SELECT max(first_offset) FROM touchline.log_batch
           WHERE partition = %(partition)s AND first_offset <= %(offset)s), 0)
      AND first_offset < %(end)s
      AND first_offset + count > %(offset)s
) AS wanted
WHERE bytes_so_far - bytes < %(fetch_bytes)s
ORDER BY first_offset
"""


class PostgresLog:
    """The log of a database that ``migrate`` made: record batches that nobody can change.

    Holds up to three connections: one appends (in a thread of its own), one reads, one listens.
    """

    def __init__(self, url: str) -> None:
        """Raises ``Unavailable`` without a server, ``Misconfigured`` without the log's tables."""
        self._url = url
        self._appending = MendingConnection(url, "log-append")
        self._reading = MendingConnection(url, "log-read")
        self._wakeup = Wakeup()
        self._listening = threading.Lock()
        self._listener: Listener | None = None
        self.partitions = len(self.ends())
        self._appender = Appender(self._commit)

    def append(self, entries: Sequence[Entry]) -> Position:
        if not all(0 <= entry.partition < self.partitions for entry in entries):
            raise ValueError(f"an entry's partition is not of this log of {self.partitions}")
        return self._appender.append(entries) if entries else {}

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Stored]:
        wanted = {
            "partition": partition,
            "offset": offset,
            "end": offset + limit,
            "fetch_bytes": FETCH_BYTES,
        }
        with self._reading.cursor() as cursor:
            rows = cursor.execute(READ, wanted, prepare=True).fetchall()
        records: list[Stored] = []
        size = 0
        for first_offset, recorded_at, batch in rows:
            payloads = unpack(batch)
            skipped = max(0, offset - first_offset)
            records += [
                Stored(at, recorded_at, payload)
                for at, payload in enumerate(payloads[skipped:], first_offset + skipped)
            ]
            size += sum(map(len, payloads))
            if size > READ_BYTES:
                break
        return records[:limit]

    def ends(self) -> Position:
        with self._reading.cursor() as cursor:
            return dict(cursor.execute(ENDS).fetchall())

    def wait(self, timeout_s: float) -> None:
        with self._listening:
            if self._listener is None:
                self._listener = Listener(self._url, self._wakeup)
        self._wakeup.wait(timeout_s)

    def close(self) -> None:
        self._appender.close()
        with self._listening:
            if self._listener is not None:
                self._listener.close()
                self._listener = None
        self._appending.close()
        self._reading.close()

    def _commit(self, group: Sequence[Sequence[Entry]]) -> Sequence[Position]:
        """Append a group of appends in one transaction; the position of each."""
        batches = pack(entry for entries in group for entry in entries)
        columns = [list(column) for column in zip(*batches, strict=True)]
        with self._appending.cursor() as cursor:
            # One statement in autocommit: no process of ours can stop while it holds the locks.
            rows = cursor.execute(APPEND, columns, prepare=True).fetchall()
        ends: dict[int, int] = {}
        for partition, first_offset in rows:
            ends.setdefault(partition, first_offset)
        return [_advance(ends, entries) for entries in group]


def _advance(ends: dict[int, int], entries: Sequence[Entry]) -> Position:
    counts = Counter(entry.partition for entry in entries)
    for partition, count in counts.items():
        ends[partition] += count
    return {partition: ends[partition] for partition in sorted(counts)}
