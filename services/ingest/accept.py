"""Accept: raw events in, records for the log or reasons out; pure but for looking up data keys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from schemas import Data
from schemas.codec import canonical
from schemas.envelope import Posted
from schemas.problems import Problem
from schemas.validate import validate
from services.ingest.identify import Identified, identify
from services.ingest.peek import peek
from services.ingest.record import Draft, record
from services.ingest.rules import forbidden, is_control, is_ours, mistimed, reserved
from services.vault.port import DataKey, Vault
from services.vault.seal import digest

MAX_BYTES: Final = 1_000_000
"""One event; a larger one is rejected alone."""
PLATFORM: Final = "platform"
"""The key kind of what our own commands and folds append."""

Raw: TypeAlias = bytes | msgspec.Raw
Reason: TypeAlias = Literal["size", "invalid", "forbidden", "source", "time", "identifiers"]
_HASH: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Producer:
    """Who posts: its key, that key's workspace, and the region its phone numbers are read in."""

    workspace: str
    kind: str
    key_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event as a record for the log; it is durable once the record is appended."""

    index: int
    id: str
    partition_leaf: str
    """The leaf whose hash chooses the partition; empty where a control event names nobody."""
    payload: bytes
    warnings: tuple[Problem, ...] = ()
    """What was left out of it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that can't be recorded as it is; ``id`` as far as it could be read."""

    index: int
    id: str | None
    problem: Problem
    reason: Reason


def accept(
    raws: Sequence[Raw], producer: Producer, received_at: datetime, vault: Vault
) -> list[Accepted | Rejected]:
    """One result for each of ``raws``, in order; whatever the bytes, a bad event is a ``Rejected``.

    Raises ``Unavailable`` only, where the vault can't be asked; then nothing was accepted.
    """
    return accept_each([raws], producer, received_at, vault)[0]


def accept_each(
    requests: Sequence[Sequence[Raw]], producer: Producer, received_at: datetime, vault: Vault
) -> list[list[Accepted | Rejected]]:
    """``accept`` for several requests of one producer, with one look-up for them all."""
    reader = _Reader(producer, received_at, vault.hash_key)
    read = [
        [reader.posted(index, bytes(raw)) for index, raw in enumerate(raws)] for raws in requests
    ]
    leaves = {draft.leaf for items in read for draft in items if isinstance(draft, Draft)}
    keys = vault.keys_for(producer.workspace, leaves) if leaves else {}
    return [
        [item if isinstance(item, Rejected) else _accepted(item, keys) for item in items]
        for items in read
    ]


def accept_control(
    posted: Sequence[tuple[str, Raw]], received_at: datetime, vault: Vault
) -> list[Accepted | Rejected]:
    """What our own commands and folds record: (workspace, raw event) pairs of types of ours only.

    Their identifiers are hashes already, and may be none: then the record rests in the control
    partition. Nothing is sealed, since nothing in them names a person. Otherwise as ``accept``.
    """
    results: list[Accepted | Rejected] = []
    for index, (workspace, raw) in enumerate(posted):
        reader = _Reader(Producer(workspace, PLATFORM, "", ""), received_at, vault.hash_key)
        draft = reader.control(index, bytes(raw))
        results.append(draft if isinstance(draft, Rejected) else _accepted(draft, {}))
    return results


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads events of one producer that came at one time."""

    producer: Producer
    received_at: datetime
    hash_key: bytes

    def posted(self, index: int, raw: bytes) -> Draft | Rejected:
        """An event that a key posted."""
        event = _validated(index, raw)
        if is_control(type_ := _type_of(event, raw)):
            # Told before what is wrong with its data: to mend those would be in vain.
            return Rejected(index, event.id, forbidden(type_), "forbidden")
        if isinstance(event, Rejected):
            return event
        if problem := reserved(event.source):
            return Rejected(index, event.id, problem, "source")
        if problem := mistimed(event.occurred_at, self.received_at):
            return Rejected(index, event.id, problem, "time")
        producer = self.producer
        identified = identify(event.identifiers, producer.workspace, producer.region, self.hash_key)
        if isinstance(identified, Problem):
            return Rejected(index, event.id, identified, "identifiers")
        return self._draft(index, raw, event, identified)

    def control(self, index: int, raw: bytes) -> Draft | Rejected:
        """An event of our own."""
        event = _validated(index, raw)
        if isinstance(event, Rejected):
            return event
        if not is_ours(event.type):
            problem = Problem("type", event.type, "is no control event", "post it with a key")
            return Rejected(index, event.id, problem, "invalid")
        hashes = tuple(sorted(set(event.identifiers)))
        if not all(map(_HASH.fullmatch, hashes)):
            remedy = "name customers by the hashes of their identifiers"
            problem = Problem("identifiers", None, "holds what is no hash", remedy)
            return Rejected(index, event.id, problem, "identifiers")
        return self._draft(index, raw, event, Identified(hashes))

    def _draft(
        self, index: int, raw: bytes, event: Posted[Data], identified: Identified
    ) -> Draft | Rejected:
        try:
            digested = digest(self.hash_key, canonical(raw))
        except ValueError as error:
            problem = Problem("", None, str(error), "send numbers that JSON can hold")
            return Rejected(index, event.id, problem, "invalid")
        producer = self.producer
        # Anyone can read a browser key: what it sends must never pass for what a server sent.
        marked = f"browser/{producer.key_id}/" if producer.kind == "browser" else ""
        return Draft(
            index=index,
            posted=event,
            workspace=producer.workspace,
            key_kind=producer.kind,
            source=marked + event.source,
            occurred_at=event.occurred_at or self.received_at,
            received_at=self.received_at,
            digest=digested,
            identified=identified,
        )


def _validated(index: int, raw: bytes) -> Posted[Data] | Rejected:
    if len(raw) > MAX_BYTES:
        said = f"has {len(raw)} bytes; an event may have {MAX_BYTES}"
        problem = Problem("", None, said, "send long texts in parts, or leave them out")
        return Rejected(index, peek(raw).id, problem, "size")
    verdict = validate(raw)
    if isinstance(verdict, Posted):
        return verdict
    return Rejected(index, peek(raw).id, verdict[0], "invalid")


def _type_of(event: Posted[Data] | Rejected, raw: bytes) -> str:
    return event.type if isinstance(event, Posted) else peek(raw).type or ""


def _accepted(draft: Draft, keys: Mapping[str, DataKey]) -> Accepted:
    payload = record(draft, keys)
    return Accepted(draft.index, draft.posted.id, draft.leaf, payload, draft.identified.warnings)
