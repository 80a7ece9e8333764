"""Pages of known ids: their bytes, and filters that say where an id can't be; pure, by numpy."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.store.seen import Seen

Entries = NDArray[np.void]
"""Ids in the form in which pages hold them."""
Words = NDArray[np.uint64]

PREFIX_BITS: Final = 31
"""Of a hash; what pages are ordered by."""
END: Final = 1 << PREFIX_BITS
"""Beyond every prefix."""
PAGE: Final = 256
"""Ids of a page at most, on average."""
FILTER_BITS: Final = 16
"""An id's share of its page's filter."""
PROBES: Final = 8
"""With sixteen bits an id one in 1,700 strangers passes a filter."""
_ENTRY: Final = np.dtype(
    [("hi", ">u8"), ("lo", ">u8"), ("digest", "V16"), ("partition", ">i2"), ("offset", ">i8")]
)
ENTRY_BYTES: Final = _ENTRY.itemsize
HASH_BYTES: Final = 16
_PLACE: Final = Struct(">hq")
FEW: Final = 8
"""Hashes that are searched for one by one: more of a page are asked for by who makes them alike."""


class Page(NamedTuple):
    """A page's first prefix, its filter, and its ids."""

    start: int
    filter: bytes
    ids: bytes


def entries_of(rows: Sequence[Seen]) -> Entries:
    """``rows`` as entries, in the order of their hashes."""
    if not rows:
        return np.empty(0, _ENTRY)
    entries = np.empty(len(rows), _ENTRY)
    hashes = np.frombuffer(bytes.fromhex("".join([row.id_hash for row in rows])), ">u8")
    entries["hi"], entries["lo"] = hashes[::2], hashes[1::2]
    entries["digest"] = np.frombuffer(bytes.fromhex("".join([row.digest for row in rows])), "V16")
    entries["partition"] = [row.partition for row in rows]
    entries["offset"] = [row.offset for row in rows]
    return in_order(entries)


def entries_in(pieces: Iterable[bytes]) -> Entries:
    """All entries of these ``pieces``, in the order of their hashes."""
    return in_order(np.frombuffer(b"".join(pieces), _ENTRY))


def in_order(entries: Entries) -> Entries:
    """By the upper half of the hash: what is equal there lies in one page."""
    ordered: Entries = entries[np.argsort(entries["hi"].astype(np.uint64))]
    return ordered


def found_in(ids: bytes, id_hashes: Sequence[str]) -> Iterator[Seen]:
    """The records of ``id_hashes`` among the ``ids`` of a page."""
    wanted = [bytes.fromhex(id_hash) for id_hash in id_hashes]
    places: Iterable[int | None] = [_place(ids, one) for one in wanted[:FEW]]
    if len(wanted) > FEW:
        begins = {ids[at : at + HASH_BYTES]: at for at in range(0, len(ids), ENTRY_BYTES)}
        places = map(begins.get, wanted)
    for id_hash, at in zip(id_hashes, places, strict=True):
        if at is not None:
            digest = ids[at + HASH_BYTES : at + 2 * HASH_BYTES].hex()
            yield Seen(id_hash, digest, *_PLACE.unpack_from(ids, at + 2 * HASH_BYTES))


def _place(ids: bytes, wanted: bytes) -> int | None:
    at = ids.find(wanted)
    while at >= 0 and at % ENTRY_BYTES:
        at = ids.find(wanted, at + 1)
    return at if at >= 0 else None


class Probes:
    """Hashes that are asked for, in order, with all that filters need to know of them."""

    def __init__(self, id_hashes: Sequence[str]) -> None:
        self.id_hashes = sorted(id_hashes)
        halves = np.frombuffer(bytes.fromhex("".join(self.id_hashes)), ">u8").astype(np.uint64)
        self.prefixes = _prefixes(halves[::2])
        self.words = _words(halves[1::2])


@dataclass(frozen=True, slots=True)
class Shape:
    """How a run is cut into pages."""

    bits: int
    """There are 2^bits of them."""
    width: int
    """Bytes of a page's filter."""

    @classmethod
    def of(cls, ids: int) -> "Shape":
        """For a run of that many."""
        bits = max(0, -(-ids // PAGE) - 1).bit_length()
        return cls(bits, max(8, -(-ids * FILTER_BITS >> (bits + 3))))

    @property
    def span(self) -> int:
        """Prefixes of a page."""
        return END >> self.bits

    def pages(self, entries: Entries) -> Iterator[Page]:
        """``entries``, which are in order, cut into pages."""
        if not len(entries):
            return
        numbers = _prefixes(entries["hi"].astype(np.uint64)) >> (PREFIX_BITS - self.bits)
        first = int(numbers[0])
        filters = self._filters(numbers - first, _words(entries["lo"].astype(np.uint64)))
        data = entries.tobytes()
        counts = np.bincount(numbers - first)
        end = 0
        for number, count in enumerate(counts.tolist()):
            begin, end = end, end + count * ENTRY_BYTES
            if count:
                yield Page((first + number) * self.span, filters[number].tobytes(), data[begin:end])

    def _filters(self, numbers: NDArray[np.int64], words: Words) -> NDArray[np.uint8]:
        bits = np.zeros((int(numbers[-1]) + 1, self.width * 8), np.uint8)
        for word in words:
            bits[numbers, self.places(word)] = 1
        return np.packbits(bits, axis=1, bitorder="little")

    def places(self, word: Words) -> NDArray[np.int64]:
        """Which bit of a filter each of these asks for."""
        return ((word * np.uint64(self.width * 8)) >> np.uint64(32)).astype(np.int64)


class Filter:
    """What memory knows of a run: a filter of each of its pages."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._bytes = np.zeros((1 << shape.bits, shape.width), np.uint8)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self._bytes.nbytes

    def put(self, start: int, page: bytes) -> None:
        """Take in the filter of the page that begins there."""
        self._bytes[start // self._shape.span] = np.frombuffer(page, np.uint8)

    def passing(self, probes: Probes, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Which of ``probes`` may be in the run: their indexes, and where their pages start.

        Those with prefixes from ``first`` to before ``end`` are looked at.
        """
        low, high = np.searchsorted(probes.prefixes, (first, end))
        left: Any = np.arange(low, high)
        numbers = probes.prefixes[low:high] >> (PREFIX_BITS - self._shape.bits)
        flat, rows = self._bytes.reshape(-1), numbers * self._shape.width
        for word in probes.words:
            if not len(left):
                return
            places = self._shape.places(word[left])
            passes = (flat[rows + (places >> 3)] >> (places & 7)) & 1
            kept = np.flatnonzero(passes)
            left, rows = left[kept], rows[kept]
        starts = rows // self._shape.width * self._shape.span
        yield from zip(left.tolist(), starts.tolist(), strict=True)


def _prefixes(hi: Words) -> NDArray[np.int64]:
    return (hi >> np.uint64(64 - PREFIX_BITS)).astype(np.int64)


def _words(lo: Words) -> Words:
    """Of each hash as many 32-bit words as there are probes, by double hashing."""
    lower = np.uint64(0xFFFFFFFF)
    step = (lo >> np.uint64(32)) | np.uint64(1)
    numbers = np.arange(PROBES, dtype=np.uint64)[:, None]
    words: Words = ((lo & lower) + numbers * step) & lower
    return words
