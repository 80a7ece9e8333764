"""The port of an outlet: a topic that we write and others read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Outbound(NamedTuple):
    """A record for others; those of one key are read in the order in which they were sent."""

    key: bytes
    value: bytes
    headers: Mapping[str, str]


class Outlet(Protocol):
    """What is asked of a topic that others read."""

    def send(self, records: Sequence[Outbound]) -> None:
        """Send ``records`` in order; the brokers have all of them, durably, on return.

        Raises ``Unavailable``, and ``Misconfigured`` where the brokers refuse us: then any first
        part of each key's may have been sent, and all are to be sent again, in the same order.
        """

    def close(self) -> None:
        """Give connections back."""
