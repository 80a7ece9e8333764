"""The relay: what commands and folds decided goes from the outbox to the log, in order.

It goes through ingest's own door, which the composition root hands in.
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


class Outbox(Protocol):
    """What the relay asks of the outbox."""

    def moving(self) -> AbstractContextManager[None]:
        """Nobody else counts rows while some are in the log and still here."""

    def waiting(self, limit: int) -> Sequence[tuple[int, str, bytes]]:
        """The oldest rows: number, workspace, event as posted."""

    def done(self, numbers: Sequence[int]) -> None:
        """These are in the log."""


def relay(outbox: Outbox, append: Append, at_most: int = CHUNK) -> int:
    """Append what waits, or so much of it, and take it out; gives how many there were.

    A crash in between appends some again under the same ids, which the projector drops.
    """
    waiting = outbox.waiting(at_most)
    if waiting:
        with outbox.moving():
            append([(workspace, event) for _, workspace, event in waiting])
            outbox.done([number for number, _, _ in waiting])
    return len(waiting)
