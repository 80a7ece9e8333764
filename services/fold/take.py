"""Taking in: which records of a batch count, and what becomes of the others."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from schemas import CustomerIdentified, Data
from schemas.codec import Undecodable, decode
from schemas.envelope import FREE_TEXT, Recorded, Trait, Unsealed
from services.errors import BadRecord
from services.fold.batch import Batch
from services.fold.decisions import conflicted
from services.fold.projection import Event
from services.store.port import Identifier, Letter, Seen, Tally, Transaction
from services.vault.port import Vault
from services.vault.seal import seal, unseal

UNKNOWN: Final = ""
"""The workspace of a record that can't be read."""
CONFLICT: Final = "its id was recorded before with another body: resubmit it under an id of its own"
_UNSEALED = msgspec.json.Decoder(Unsealed)


@dataclass(slots=True)
class Read:
    """One record that could be decoded."""

    partition: int
    offset: int
    recorded: Recorded[Data]
    payload: bytes
    id_hash: str
    traits: Mapping[str, Trait] = field(default_factory=dict)


@dataclass(slots=True)
class Taken:
    """A batch taken apart: events in log order, and an account of every other record."""

    reads: list[Read] = field(default_factory=list)
    known: dict[str, Identifier] = field(default_factory=dict)
    """The stored identifiers that these events name."""
    plain: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Identifier → its kind and plain value, where an event told it first."""
    skipped: list[tuple[int, int, str]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    _counts: Counter[tuple[str, int, str]] = field(default_factory=Counter)

    def events(self) -> Iterable[Event]:
        """What folds see."""
        return (Event(read.recorded, read.traits) for read in self.reads)

    def tallies(self) -> dict[tuple[str, int], Tally]:
        """What became of the records, by workspace and partition."""
        counts = self._counts
        for read in self.reads:
            counts[read.recorded.workspace, read.partition, "applied"] += 1
        keys = {(workspace, partition) for workspace, partition, _ in counts}
        return {
            key: Tally(
                counts[*key, "applied"], counts[*key, "duplicate"], counts[*key, "dead_lettered"]
            )
            for key in keys
        }

    def repeated(self, read: Read) -> None:
        """``read`` was recorded before, word for word."""
        self.skipped.append((read.partition, read.offset, "duplicate"))
        self._counts[read.recorded.workspace, read.partition, "duplicate"] += 1

    def dead(self, at: tuple[int, int], letter: Letter, reason: str) -> None:
        """The record at ``at`` can't count; it is kept as a dead letter."""
        self.skipped.append((*at, reason))
        self.letters.append(letter)
        self._counts[letter.workspace, at[0], "dead_lettered"] += 1


def take(batch: Batch, tx: Transaction, vault: Vault) -> Taken:
    """Decode, open what must be opened, and drop what is known."""
    taken = Taken()
    quarantined = tx.quarantined([piece.partition for piece in batch])
    reads = _decoded(batch, quarantined, taken, vault)
    named = {identifier for read in reads for identifier in read.recorded.identifiers}
    taken.known = dict(tx.identifiers(named)) if named else {}
    reads = _opened(reads, taken, vault)
    taken.reads = _fresh(reads, taken, tx)
    return taken


def id_hash(workspace: str, source: str, id_: str) -> str:
    """128 bits of an event's idempotency key."""
    return hashlib.blake2b(f"{workspace}\0{source}\0{id_}".encode(), digest_size=16).hexdigest()


def _decoded(
    batch: Batch, quarantined: Collection[tuple[int, int]], taken: Taken, vault: Vault
) -> list[Read]:
    reads = []
    for piece in batch:
        for stored in piece.records:
            at = piece.partition, stored.offset
            try:
                recorded = decode(stored.payload)
            except Undecodable as cause:
                letter = _unreadable(at, stored.payload, str(cause), stored.recorded_at, vault)
                taken.dead(at, letter, "undecodable")
                continue
            key = id_hash(recorded.workspace, recorded.source, recorded.id)
            read = Read(*at, recorded, stored.payload, key, _told(recorded))
            if at in quarantined:
                taken.dead(at, _own(read, "was quarantined by an operator"), "quarantined")
            else:
                reads.append(read)
    return reads


def _opened(reads: list[Read], taken: Taken, vault: Vault) -> list[Read]:
    """Open the sealed part of events that tell traits or an identifier we have no plain value of."""
    told = {identifier for identifier, row in taken.known.items() if row.value is not None}
    wanted: dict[int, Read] = {}
    for index, read in enumerate(reads):
        news = [identifier for identifier in read.recorded.identifiers if identifier not in told]
        told.update(news)
        if read.recorded.sealed and (news or read.recorded.has_traits):
            wanted[index] = read
    if not wanted:
        return reads
    secrets = vault.secrets(
        {read.recorded.sealed.key_id for read in wanted.values() if read.recorded.sealed}
    )
    bad = {index for index, read in wanted.items() if not _open(read, secrets, taken)}
    return [read for index, read in enumerate(reads) if index not in bad]


def _open(read: Read, secrets: Mapping[str, bytes], taken: Taken) -> bool:
    recorded = read.recorded
    if recorded.sealed is None or recorded.sealed.key_id not in secrets:
        return True  # erased: the event counts on, without what named the person
    bound_to = f"{recorded.workspace}\0{recorded.source}\0{recorded.id}".encode()
    try:
        plain = _UNSEALED.decode(
            unseal(secrets[recorded.sealed.key_id], recorded.sealed, bound_to=bound_to)
        )
    except (BadRecord, msgspec.DecodeError) as cause:
        letter = _own(read, f"its sealed part can't be opened: {cause}")
        taken.dead((read.partition, read.offset), letter, "unopenable")
        return False
    for identifier, text in zip(recorded.identifiers, plain.identifiers, strict=False):
        kind, _, value = text.partition(":")
        taken.plain[identifier] = kind, value
    if recorded.has_traits:
        named = {key: value for key, value in plain.personal.items() if key not in FREE_TEXT}
        read.traits = {**read.traits, **named}
    return True


def _told(recorded: Recorded[Data]) -> Mapping[str, Trait]:
    """The traits that name nobody, which lie open."""
    return recorded.data.traits if isinstance(recorded.data, CustomerIdentified) else {}


def _fresh(reads: list[Read], taken: Taken, tx: Transaction) -> list[Read]:
    """Those of ``reads`` whose id was never recorded before; repetitions and conflicts are accounted for."""
    lost = set(tx.conflicted([read.id_hash for read in reads])) if reads else set()
    first: dict[str, Read] = {}
    others: list[Read] = []
    for read in reads:
        if (read.id_hash, read.recorded.digest) in lost:
            taken.dead((read.partition, read.offset), _own(read, CONFLICT), "conflict")
        elif first.setdefault(read.id_hash, read) is not read:
            others.append(read)
    rows = [
        Seen(key, read.recorded.digest, read.partition, read.offset) for key, read in first.items()
    ]
    standing = (
        {rows[index].id_hash: seen.digest for index, seen in tx.drop_known(rows).items()}
        if rows
        else {}
    )
    fresh = [read for key, read in first.items() if key not in standing]
    for read in [*(first[key] for key in standing), *others]:
        kept = standing.get(read.id_hash, first[read.id_hash].recorded.digest)
        if kept == read.recorded.digest:
            taken.repeated(read)
        else:
            _conflict(read, kept, taken)
    return fresh


def _conflict(read: Read, kept: str, taken: Taken) -> None:
    """Another body under a known id: it loses, is kept as a dead letter, and the log is told."""
    taken.dead((read.partition, read.offset), _own(read, CONFLICT), "conflict")
    taken.conflicted.add((read.id_hash, read.recorded.digest))
    taken.outbox.append((read.recorded.workspace, conflicted(read.recorded, kept)))


def _own(read: Read, reason: str) -> Letter:
    """A letter that is sealed already: the record's own sealed part keeps what names a person."""
    recorded = read.recorded
    return Letter(
        recorded.workspace, "log", read.partition, read.offset, recorded.source, recorded.id, recorded.type,
        reason, None, "", read.payload,
    )  # fmt: skip


def _unreadable(
    at: tuple[int, int], payload: bytes, reason: str, recorded_at: datetime, vault: Vault
) -> Letter:
    """Bytes that we can't read may name anybody: sealed under a key of the day."""
    owner = f"day:{recorded_at:%Y-%m-%d}"
    key = vault.keys_for(UNKNOWN, [owner])[owner]
    sealed = seal(key, payload, bound_to=f"{at[0]}:{at[1]}".encode())
    return Letter(
        UNKNOWN, "log", *at, None, None, None, reason, None, sealed.key_id, sealed.ciphertext
    )
