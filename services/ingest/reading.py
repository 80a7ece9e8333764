"""Reading an inbox: records through accept into the log, what is refused to the dead letters."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from services.clock import Clock
from services.commands.dead_letters import Refusal, refused_each
from services.edge.keys import Key
from services.errors import Misconfigured
from services.ingest.door import Door
from services.ingest.inbound import mapped, place
from services.log.inbox import Inbound, Inbox
from services.patience import keep_on
from services.store.port import Letter
from services.vault.port import Vault

AT_ONCE: Final = 1_000
"""Records of a batch: some fifty milliseconds of work beside what HTTP is asked."""
WAIT_S: Final = 1.0
"""A key that was revoked is noticed after this."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Letters:
    """Where refused records are kept, to be corrected and sent again."""

    keep_all: Callable[[Sequence[Letter]], None]
    """All of them durably, each once for its origin."""
    vault: Vault
    clock: Clock

    def keep(self, workspace: str, refusals: Sequence[Refusal]) -> None:
        """Keep ``refusals``, sealed."""
        at = self.clock.now()
        self.keep_all(refused_each(workspace, refusals, vault=self.vault, at=at))


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that others write, and in whose name we take in what it holds."""

    topic: str
    key_id: str
    find_key: Callable[[str], Key | None]
    """The key of an id while it is in force; raises ``Unavailable``."""

    def key(self) -> Key:
        """The key; raises ``Misconfigured`` while there is none, and then nothing is read."""
        key = self.find_key(self.key_id)
        if key is None:
            raise Misconfigured(
                f"TOUCHLINE_INBOXES gives topic {self.topic} the key {self.key_id}, which is not "
                "in force: its records wait (touchline keys list)"
            )
        return key


class Reading:
    """Takes in a topic's records as if they were posted with its key, a batch at a time.

    A batch is done once all of it is durable, in the log or as dead letters: killed before that it
    comes again, which ids and origins make harmless.
    """

    def __init__(self, inbox: Inbox, source: Source, door: Door, letters: Letters) -> None:
        self._inbox, self._source, self._door, self._letters = inbox, source, door, letters
        self._held: Sequence[Inbound] = ()

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set; whatever goes wrong is told, and tried again."""
        keep_on(stop, self._next, waiting="inbox.waiting", topic=self._source.topic)

    def turn(self) -> int:
        """Take in what comes next; gives how many records. Raises what stands in its way."""
        key = self._source.key()
        if not self._held:
            self._held = self._inbox.take(AT_ONCE, WAIT_S)
        if not self._held:
            return 0
        self._take_in(key, self._held)
        count, self._held = len(self._held), ()
        self._inbox.done()
        return count

    def _take_in(self, key: Key, records: Sequence[Inbound]) -> None:
        events = [mapped(record) for record in records]
        received = self._door.receive_mapped(key, events)
        self._letters.keep(
            key.workspace,
            [
                Refusal(f"kafka:{place(records[one.index])}", events[one.index].raw, one.problem)
                for one in received.rejected
            ],
        )
        self._door.metrics.inboxes.took_in(
            self._source.topic,
            accepted=len(received.accepted),
            dead_lettered=len(received.rejected),
        )
        log.info(
            "inbox.read",
            topic=self._source.topic,
            accepted=len(received.accepted),
            rejected=len(received.rejected),
        )

    def _next(self) -> float:
        is_stopped = True
        try:
            self.turn()
            is_stopped = False
        finally:
            self._door.metrics.inboxes.stands(self._source.topic, is_stopped=is_stopped)
        # An empty topic was waited for already.
        return 0.0
