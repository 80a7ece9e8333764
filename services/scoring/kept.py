"""Kept: what scoring holds of each leaf's events, as pages of entries."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from schemas import AlertClosed, EventVoided, appendable_by
from schemas.envelope import Recorded
from services.scoring.model.history import Entry, entry_of
from services.scoring.rules.episodes import PLATFORM
from services.store.scores import DECIDED, Page

ENTRIES: Final = 40
"""Of a page at most: about two kilobytes, above which PostgreSQL moves values out of their row."""
VOIDED: Final = "event.voided"
VOIDS: Final = -1
"""The page of what takes entries back: most leaves have none, and nobody looks for them."""
_NUMBER: Final = itemgetter(1)
_TELLING: Final = frozenset(
    {"points.redeemed", "points.expiring", "alert.acknowledged", "alert.closed"}
)
"""Of what the platform itself says, what people did or are about to lose: to decide on the rest
would be to decide on one's own decisions."""


def kept_of(event: Recorded[Any]) -> tuple[str, Entry] | None:
    """The leaf that it is kept under and what of it; None where scores have no use for it."""
    if isinstance(event.data, EventVoided):
        taken = event.data
        at_s = int(event.occurred_at.timestamp())
        about = _key(taken.event_source, taken.event_id)
        return taken.leaf, Entry(at_s, VOIDED, event.source, event.id, about)
    if isinstance(event.data, AlertClosed) and event.data.by == PLATFORM:
        return None
    if event.type not in _TELLING and appendable_by(event.type) == "control":
        return None
    entry = entry_of(event)
    return (event.identifiers[0], entry) if entry and event.identifiers else None


class Leaf:
    """What is kept of one leaf."""

    __slots__ = "leaf", "pages", "workspace"

    def __init__(self, leaf: str, workspace: str, pages: Sequence[Page] = ()) -> None:
        self.leaf, self.workspace = leaf, workspace
        # Most have one.
        ordered = pages if len(pages) < 2 else sorted(pages, key=_NUMBER)
        self.pages: dict[int, list[Entry]] = {
            number: _DECODER.decode(entries)
            for _, number, _, entries in ordered
            if number != DECIDED
        }

    def take_in(self, new: Sequence[Entry]) -> list[Page]:
        """Add to the last page and begin others as they fill; gives those to be written."""
        voids = [entry for entry in new if entry[1] == VOIDED]
        if voids:
            new = [entry for entry in new if entry[1] != VOIDED]
            self.pages[VOIDS] = sorted([*self.pages.get(VOIDS, ()), *voids])
        number, changed = max([0, *self.pages]), {VOIDS} if voids else set()
        while new:
            page = self.pages.setdefault(number, [])
            if room := ENTRIES - len(page):
                page += new[:room]
                page.sort()
                new = new[room:]
                changed.add(number)
            number += 1
        return [
            Page(self.leaf, number, self.workspace, encoded(self.pages[number]))
            for number in sorted(changed)
        ]


def history_of(leaves: Iterable[Leaf]) -> list[Entry]:
    """All that is kept, in time order, without what was taken back and what took it back."""
    found: list[Entry] = []
    taken: set[str] = set()
    is_sorted = True
    for leaf in leaves:
        for number, page in leaf.pages.items():
            if number == VOIDS:
                taken.update(entry.about for entry in page)
            else:
                # Most pages follow each other: then nothing is left to sort.
                is_sorted = is_sorted and (not found or found[-1] <= page[0])
                found += page
    if taken:
        found = [entry for entry in found if _key(entry.source, entry.id) not in taken]
    if not is_sorted:
        found.sort()
    return found


def by_leaf(pages: Iterable[Page]) -> Mapping[str, Sequence[Page]]:
    """``pages`` as they are, by leaf."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page[0], []).append(page)
    return found


def leaves_of(pages: Iterable[Page]) -> Mapping[str, Leaf]:
    """``pages``, read, by leaf."""
    return {leaf: Leaf(leaf, own[0].workspace, own) for leaf, own in by_leaf(pages).items()}


def encoded(page: Iterable[Entry]) -> bytes:
    """As a page is stored: without what most entries have none of."""
    return _ENCODER.encode([one if one[6] or one[5] or one[4] else one[:4] for one in page])


def decoded(page: bytes) -> list[Entry]:
    """What ``encoded`` wrote."""
    return _DECODER.decode(page)


def _key(source: str, id_: str) -> str:
    return f"{source}\0{id_}"


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Entry])
