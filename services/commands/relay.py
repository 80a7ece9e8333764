"""The relay: what commands and folds decided goes from the outbox to the log.

What is about alerts has a lane of its own, so that it waits for nothing else; in each lane rows go
in order. They go through ingest's own door, which the composition root hands in.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

CHUNK: Final = 100
"""Events of one append: few enough that others' events hardly wait for them, many enough to share a
commit."""

MANY: Final = 250
"""Of one append to Kafka, where nobody waits for another's. Of fewer, each partition would get a
handful, which costs brokers and folds as much as a hundred. With a thousand the folds would take
them for a backlog, and leave off settling, which they come of."""

Append = Callable[[Sequence[tuple[str, bytes]]], None]
"""Appends (workspace, event as posted) durably; appending one again must be harmless."""
Rows = Sequence[tuple[int, str, bytes]]


class Outbox(Protocol):
    """What the relay asks of the outbox."""

    def moving(self) -> AbstractContextManager[None]:
        """Nobody else moves rows, or counts them, meanwhile: some are in the log and still here."""

    def waiting(self, limit: int) -> Rows:
        """Alerts, then the oldest of all others: number, workspace, event as posted."""

    def alerts(self, limit: int) -> Rows:
        """The oldest that are about alerts."""

    def done(self, numbers: Sequence[int]) -> None:
        """These are in the log."""


def relay(outbox: Outbox, append: Append, at_most: int = CHUNK) -> int:
    """Append what waits, or so much of it, alerts first, and take it out; gives how many it was.

    A crash in between appends some again under the same ids, which the projector drops.
    """
    return _relay(outbox, outbox.waiting, append, at_most)


def relay_alerts(outbox: Outbox, append: Append) -> int:
    """The same for alerts alone, beside whoever relays all."""
    return _relay(outbox, outbox.alerts, append, CHUNK)


def _relay(outbox: Outbox, waiting: Callable[[int], Rows], append: Append, at_most: int) -> int:
    if not waiting(1):
        return 0
    with outbox.moving():
        # Looked at again: another may have moved them while we waited for our turn, and what it
        # left follows what it took.
        rows = waiting(at_most)
        if rows:
            append([(workspace, event) for _, workspace, event in rows])
            outbox.done([number for number, _, _ in rows])
    return len(rows)
