"""Dead letters: what could not be taken in, opened, corrected, sent again, or set aside."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas import EventQuarantined
from schemas.codec import Undecodable, decode
from schemas.problems import Problem
from services.clock import Clock
from services.commands.awaiting import Decisions
from services.commands.control import formed
from services.commands.letter import (
    LOG,
    browser_of,
    day_owner,
    may_resend,
    raw_of,
    sealed_to,
)
from services.errors import Conflict, NotFound, Refused
from services.log.port import Entry, Log, Position
from services.log.position import covers, encode
from services.store.letters import LetterRow, State
from services.store.port import Letter
from services.vault.port import Vault
from services.vault.seal import seal


class Send(Protocol):
    """Ingest's way in, with the rights of whoever resubmits."""

    def __call__(self, workspace: str, raw: bytes, *, browser: str | None) -> tuple[str, Position]:
        """Take an event as posted in: its id and position, or ``Refused``.

        ``browser`` is the browser key that sent it first, and it is recorded as sent by that one:
        anybody could have sent it, so it must not count for more now.
        """


class Resolving(Protocol):
    """A letter that nobody else resolves meanwhile."""

    row: LetterRow

    def resolve(self, state: State, *, resubmitted_id: str, position: str) -> None:
        """Note what became of it, once the block ends."""


class Letters(Protocol):
    """What commands ask of the store; ``workspace`` None is all that the caller may see."""

    def page(
        self, workspace: str | None, *, state: State | None, before: int | None, limit: int
    ) -> list[LetterRow]:
        """At most ``limit`` letters, newest first, older than the letter ``before``."""

    def find(self, workspace: str | None, letter_id: int) -> LetterRow | None:
        """One letter."""

    def resolving(
        self, workspace: str | None, letter_id: int
    ) -> AbstractContextManager[Resolving | None]:
        """Hold one letter for as long as the block lasts."""

    def keep(self, letter: Letter) -> None:
        """Keep a letter that does not come from the log, once for each origin."""


@dataclass(frozen=True, slots=True)
class Resubmitted:
    """What became of a letter: the id it was taken in under, and where in the log it is covered."""

    letter_id: int
    id: str
    position: str


class DeadLetters:
    """The letters of all workspaces; who asks names one, or is the operator."""

    def __init__(self, letters: Letters, vault: Vault, log: Log) -> None:
        self._letters, self._vault, self._log = letters, vault, log

    def page(
        self,
        workspace: str | None,
        *,
        state: State | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[LetterRow]:
        """At most ``limit`` letters, newest first, older than ``before``."""
        return self._letters.page(workspace, state=state, before=before, limit=limit)

    def find(self, workspace: str | None, letter_id: int) -> LetterRow:
        """One letter; raises ``NotFound``."""
        row = self._letters.find(workspace, letter_id)
        if row is None:
            raise _unknown(letter_id)
        return row

    def opened(self, row: LetterRow) -> bytes | None:
        """The event as it would be posted, or bytes that are none; None if it can't be opened."""
        return raw_of(row.letter, self._vault)

    def resubmit(
        self, workspace: str | None, letter_id: int, send: Send, *, corrected: bytes | None = None
    ) -> Resubmitted:
        """Take the letter in again, as it is or ``corrected``; asked again, it answers the same.

        Raises ``Refused`` where it can't be taken in as it is, and leaves it open then.
        """
        # A crash between append and note lets the next call append again, which ids make harmless.
        with self._letters.resolving(workspace, letter_id) as held:
            if held is None:
                raise _unknown(letter_id)
            row = held.row
            if row.state == "resubmitted":
                return Resubmitted(letter_id, row.resubmitted_id or "", row.position or "")
            id_, position = self._taken_in(row.letter, send, corrected)
            held.resolve("resubmitted", resubmitted_id=id_, position=encode(position))
        return Resubmitted(letter_id, id_, encode(position))

    def _taken_in(
        self, letter: Letter, send: Send, corrected: bytes | None
    ) -> tuple[str, Position]:
        if corrected is not None:
            return send(letter.workspace, corrected, browser=browser_of(letter, self._vault))
        raw = raw_of(letter, self._vault)
        if raw is None:
            raise Conflict(
                "can't be opened: the key that seals it is gone", "send the event in the body"
            )
        if letter.origin != LOG:
            return send(letter.workspace, raw, browser=None)
        record = letter.ciphertext if not letter.key_id else raw
        return self._again(letter, record)

    def _again(self, letter: Letter, record: bytes) -> tuple[str, Position]:
        """The record as it was, so that it is the same event, digest and all."""
        if letter.partition is None or not may_resend(letter):
            raise Conflict(
                "would fail again as it is", "send the event in the body, under an id of its own"
            )
        try:
            recorded = decode(record)
        except Undecodable as cause:
            raise Conflict(str(cause), "send the event in the body") from cause
        return recorded.id, self._log.append([Entry(letter.partition, record)])


def refused(
    workspace: str, origin: str, raw: bytes, problem: Problem, *, vault: Vault, at: datetime
) -> Letter:
    """The letter of an event that ingest refuses where the sender can't be told (file, webhook).

    ``origin`` is unique in the workspace and tells people where to look, like ``orders.csv:17``. It
    may name anybody, so it is sealed under a key of the day.
    """
    return refused_each(workspace, [Refusal(origin, raw, problem)], vault=vault, at=at)[0]


class Refusal(NamedTuple):
    """An event that ingest refused: where it came from, what it was, and why."""

    origin: str
    raw: bytes
    problem: Problem


def refused_each(
    workspace: str, refusals: Sequence[Refusal], *, vault: Vault, at: datetime
) -> list[Letter]:
    """``refused`` for several, with one look at the vault."""
    if not refusals:
        return []
    owner = day_owner(at)
    key = vault.keys_for(workspace, [owner])[owner]
    letters = []
    for origin, raw, problem in refusals:
        sealed = seal(key, raw, bound_to=sealed_to(workspace, origin, None, None))
        told = _storable(f"{problem.problem}; {problem.remedy}")
        field = _storable(problem.field) or None
        said = told, field, sealed.key_id, sealed.ciphertext
        letters.append(Letter(workspace, origin, None, None, None, None, None, *said))
    return letters


def _storable(text: str) -> str:
    """As PostgreSQL can hold it: a sender may name a field by what is no text there."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that folds will leave out."""

    partition: int
    offset: int
    outbox_id: int


class Quarantine:
    """Takes a record out that no fold can take in, so that the folds can go on behind it."""

    def __init__(self, decisions: Decisions, log: Log, clock: Clock) -> None:
        self._decisions, self._log, self._clock = decisions, log, clock

    def quarantine(
        self, partition: int, offset: int, *, by: str, reason: str | None = None
    ) -> Quarantined:
        """Ask for it; raises ``NotFound`` for no record, ``Conflict`` for one that was folded."""
        stored = (
            self._log.read(partition, offset, 1) if 0 <= partition < self._log.partitions else []
        )
        if not stored or stored[0].offset != offset:
            raise NotFound(
                "is no record of the log",
                "name it as partition:offset",
                value=f"{partition}:{offset}",
            )
        if covers(self._decisions.applied(), {partition: offset + 1}):
            raise Conflict(
                "was folded already", "void or correct it by another event",
                field="position", value=f"{partition}:{offset}",
            )  # fmt: skip
        data = EventQuarantined(partition=partition, offset=offset, by=by, reason=reason)
        workspace = _workspace(stored[0].payload)
        outbox_id = self._decisions.decide(workspace, formed(data, self._clock))
        return Quarantined(partition, offset, outbox_id)


def _workspace(record: bytes) -> str:
    try:
        return decode(record).workspace
    except Undecodable as cause:
        raise Conflict(
            str(cause), "leave it: folds keep what they can't read as a dead letter"
        ) from cause


def _unknown(letter_id: int) -> Refused:
    return NotFound(
        "is no dead letter of this workspace",
        "GET /v1/dead-letters lists them",
        field="letter_id",
        value=letter_id,
    )
