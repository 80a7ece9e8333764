"""Taking in: which records of a batch count, and what becomes of the others."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from schemas.codec import Undecodable, decode
from services.fold.batch import Batch
from services.fold.decisions import conflicted
from services.fold.opening import open_sealed
from services.fold.projection import Event
from services.log.port import Stored
from services.store.port import Identifier, Letter, Tally, Transaction
from services.store.seen import Seen
from services.vault.port import Vault
from services.vault.seal import seal

UNKNOWN: Final = ""
"""The workspace of a record that can't be read."""
CONFLICT: Final = "its id was recorded before with another body: resubmit it under an id of its own"


class Read(msgspec.Struct, gc=False):
    """One record that could be decoded."""

    at: tuple[int, int]
    """Its partition and offset."""
    payload: bytes
    id_hash: str
    event: Event

    @property
    def digest(self) -> str:
        """What tells its repetition from another event under its id."""
        return self.event.recorded.digest

    @property
    def counted_under(self) -> tuple[str, int]:
        """Its workspace and partition."""
        return self.event.recorded.workspace, self.at[0]


@dataclass(slots=True)
class Taken:
    """A batch taken apart: what counts, in log order, and an account of every other record."""

    reads: Sequence[Read] = ()
    known: Mapping[str, Identifier] = field(default_factory=dict)
    """The stored identifiers that these events name, and all others of the same customers."""
    plain: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Identifier → its kind and plain value, where an event told it first."""
    skipped: list[tuple[int, int, str]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    _duplicates: Counter[tuple[str, int]] = field(default_factory=Counter)
    _dead: Counter[tuple[str, int]] = field(default_factory=Counter)

    def tallies(self) -> dict[tuple[str, int], Tally]:
        """What became of the records, by workspace and partition."""
        applied = Counter([read.counted_under for read in self.reads])
        return {
            key: Tally(applied[key], self._duplicates[key], self._dead[key])
            for key in applied.keys() | self._duplicates.keys() | self._dead.keys()
        }

    def repeated(self, read: Read) -> None:
        """``read`` was recorded before, word for word."""
        self.skipped.append((*read.at, "duplicate"))
        self._duplicates[read.counted_under] += 1

    def dead(self, at: tuple[int, int], letter: Letter, reason: str) -> None:
        """The record at ``at`` can't count; it is kept as a dead letter."""
        self.skipped.append((*at, reason))
        self.letters.append(letter)
        self._dead[letter.workspace, at[0]] += 1


def take(batch: Batch, tx: Transaction, vault: Vault) -> Taken:
    """Decode, open what must be opened, and drop what is known."""
    taken = Taken()
    reads = _decoded(batch, tx.quarantined([piece.partition for piece in batch]), taken, vault)
    if reads:
        taken.known = tx.groups_of(
            {one for read in reads for one in read.event.recorded.identifiers}
        )
        reads = _opened(reads, taken, vault)
    if reads:
        taken.reads = _fresh(reads, taken, tx)
        if taken.letters:
            taken.plain = _told(taken)
    return taken


def _told(taken: Taken) -> Mapping[str, tuple[str, str]]:
    """What events that count told of identifiers: of one that lost there is no trace in rows."""
    recorded = [read.event.recorded for read in taken.reads]
    named = {identifier for one in recorded if one.sealed for identifier in one.identifiers}
    return {identifier: taken.plain[identifier] for identifier in named & taken.plain.keys()}


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
                letter = _unreadable(piece.partition, stored, str(cause), vault)
                taken.dead(at, letter, "undecodable")
                continue
            key = id_hash(recorded.workspace, recorded.source, recorded.id)
            read = Read(at, stored.payload, key, Event.of(recorded))
            if at in quarantined:
                taken.dead(at, _own(read, "was quarantined by an operator"), "quarantined")
            else:
                reads.append(read)
    return reads


def _opened(reads: list[Read], taken: Taken, vault: Vault) -> list[Read]:
    """``reads`` with the traits that were sealed, less those that don't open."""
    told = {identifier for identifier, row in taken.known.items() if row.value is not None}
    opened = open_sealed([read.event for read in reads], told, vault)
    taken.plain = opened.plain
    for index, traits in opened.traits.items():
        reads[index].event = reads[index].event.described(traits)
    for index, reason in opened.unopenable.items():
        taken.dead(reads[index].at, _own(reads[index], reason), "unopenable")
    if not opened.unopenable:
        return reads
    return [read for index, read in enumerate(reads) if index not in opened.unopenable]


def _fresh(reads: Sequence[Read], taken: Taken, tx: Transaction) -> Sequence[Read]:
    """Those of ``reads`` whose id was never recorded before.

    Repetitions and conflicts are accounted for.
    """
    lost = tx.conflicted([read.id_hash for read in reads])
    first: dict[str, Read] = {}
    others: list[Read] = []
    for read in reads:
        if lost and (read.id_hash, read.digest) in lost:
            taken.dead(read.at, _own(read, CONFLICT), "conflict")
        elif first.setdefault(read.id_hash, read) is not read:
            others.append(read)
    rows = [Seen(key, read.digest, *read.at) for key, read in first.items()]
    known = tx.seen.drop_known(rows)
    standing = {rows[index].id_hash: seen.digest for index, seen in known.items()}
    for read in [*(first[key] for key in standing), *others]:
        kept = standing.get(read.id_hash, first[read.id_hash].digest)
        if kept == read.digest:
            taken.repeated(read)
        else:
            _conflict(read, kept, taken)
    return [read for key, read in first.items() if key not in standing]


def _conflict(read: Read, kept: str, taken: Taken) -> None:
    """Another body under a known id: it loses, is kept as a dead letter, and the log is told."""
    taken.dead(read.at, _own(read, CONFLICT), "conflict")
    lost = read.id_hash, read.digest
    if lost not in taken.conflicted:
        taken.conflicted.add(lost)
        recorded = read.event.recorded
        taken.outbox.append((recorded.workspace, conflicted(recorded, kept)))


def _own(read: Read, reason: str) -> Letter:
    """A letter that is sealed already: the record's own sealed part keeps what names a person."""
    recorded = read.event.recorded
    return Letter(
        recorded.workspace, "log", *read.at, recorded.source, recorded.id, recorded.type,
        reason, None, "", read.payload,
    )  # fmt: skip


def _unreadable(partition: int, stored: Stored, reason: str, vault: Vault) -> Letter:
    """Bytes that we can't read may name anybody: sealed under a key of the day."""
    at = partition, stored.offset
    owner = f"day:{stored.recorded_at:%Y-%m-%d}"
    key = vault.keys_for(UNKNOWN, [owner])[owner]
    sealed = seal(key, stored.payload, bound_to=f"{partition}:{stored.offset}".encode())
    return Letter(
        UNKNOWN, "log", *at, None, None, None, reason, None, sealed.key_id, sealed.ciphertext
    )
