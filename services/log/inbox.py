"""The port of an inbox: a topic that others write, read by several processes that share it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Inbound(NamedTuple):
    """A record as its producer sent it, and its place, which is its own for ever."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Inbox(Protocol):
    """What ingest asks of a topic; every adapter passes ``tests/contract/inbox.py``."""

    def take(self, limit: int, timeout_s: float) -> Sequence[Inbound]:
        """What follows what was taken before, in order by partition; waits for the first.

        At most ``limit`` records. Raises ``Unavailable``, and ``Misconfigured`` where the brokers
        refuse us; what was taken and not done then comes again.
        """

    def done(self) -> None:
        """All that was taken needs never come again; raises as ``take``, and then it may.

        What was taken and is not done comes again: to another process, or to the next one.
        """

    def waiting(self) -> int:
        """How many records no process is done with, whoever reads them; for any thread.

        Raises as ``take``.
        """

    def close(self) -> None:
        """Give back what was taken and is not done, and the connections."""
