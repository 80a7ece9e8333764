"""Watching: the alert rules of a workspace lived through customers' lives, as far as time has come.

A rule is lived on from where it stood, and only where something may have changed it: an entry that
it looks at, the instant at which time alone may, other leaves, other rules. What is late, and what
was taken back, is lived anew; both give the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from services.scoring.kept import VOIDED
from services.scoring.model.history import Entry
from services.scoring.rulebooks import Books
from services.scoring.rules import BEGINNING, Episode, Life, Rulebook, Track, advance, may_wait
from services.scoring.rules.standing import FOREVER, Standings
from services.scoring.standings import Scores, due_of, mark_of, read, write
from services.scoring.telling import Now


class Decided(NamedTuple):
    """Where the projector put a customer, if any rule asks."""

    every: Sequence[Entry] = ()
    new: Sequence[Entry] = ()
    """Of them what this transaction brought."""


class Looked(NamedTuple):
    """A customer to be watched."""

    history: Sequence[Entry]
    new: Sequence[Entry]
    """Of them what this transaction brought, and what takes entries back."""
    leaves: Sequence[str]
    """Whose entries they are."""
    until_s: int
    """How far time has come."""
    kept: bytes
    """Where the rules stood; nothing of who was never watched."""
    standings: Standings | None = None

    @classmethod
    def of(
        cls, now: Now, leaves: Mapping[str, Sequence[Entry]], decided: Decided, *, tick_s: int,
        books: Books,
    ) -> Self:  # fmt: skip
        """A customer as a transaction finds them; ``leaves`` have entries, these are new."""
        lived, kept = now.lived, now.before.alerts if now.before else b""
        new = [entry for entries in leaves.values() for entry in entries]
        history = lived.history
        if decided.every:
            history, new = sorted([*history, *decided.every]), [*new, *decided.new]
        standings = None
        if books.asks_standing:
            standings = Scores(lived, now.scored, books.trained, books.promoted_s)
        until_s = max(history[-1].at_s, tick_s)
        return cls(history, new, [*leaves], until_s, kept, standings)


@dataclass(slots=True)
class Watched:
    """How the rules stand now."""

    kept: bytes
    until_s: int
    """How far time had come."""
    due_s: int = FOREVER
    episodes: list[Episode] = field(default_factory=list)
    """Those that ended since, and those that are open, of rules that were looked at."""
    is_anew: bool = False
    """All was lived anew: an alert that was told and has no episode has lost its reason."""
    anew: set[str] = field(default_factory=set)
    """The same of these rules alone."""

    def due_at(self, other: datetime | None) -> datetime | None:
        """When time alone may change an episode, or that which is due at ``other``."""
        if self.due_s >= FOREVER or (other and int(other.timestamp()) <= self.due_s):
            return other
        return min(datetime.fromtimestamp(self.due_s, UTC), _LATEST)


_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def still(kept: bytes, leaves: Sequence[str], until_s: int, books: Books) -> Watched | None:
    """As the rules stood, where nothing came and time alone changes nothing; else None.

    So it is with nearly everybody whom a new day lets be looked at.
    """
    due_s = due_of(kept, mark_of(leaves), books.digest)
    return Watched(kept, until_s, due_s) if due_s > until_s else None


def watch(one: Looked, books: Books) -> Watched:
    """Live the rules on; changes nothing where nothing may have changed."""
    mark, stood = mark_of(one.leaves), read(one.kept)
    if (
        stood is None
        or (stood.mark, stood.digest) != (mark, books.digest)
        or any(entry[1] == VOIDED for entry in one.new)
    ):
        return _anew(one, books, mark)
    touched = books.touched(one.new)
    if not touched and stood.due_s > one.until_s:
        return Watched(one.kept, one.until_s, stood.due_s)
    tracks = stood.tracks
    touched.update(name for name, track in tracks.items() if track.due_s <= one.until_s)
    life, found = Life(one.history, one.standings), Watched(b"", one.until_s)
    is_same = True
    for name in sorted(touched):
        book, track = books.books[name], tracks.get(name, BEGINNING)
        if track is BEGINNING and is_too_little(book, one.history):
            continue
        new = [entry for entry in one.new if book.looks_at(entry)]
        if any(entry[0] <= track.as_of_s for entry in new):
            track = BEGINNING
            found.anew.add(name)
        elif track.due_s > one.until_s and may_wait(track, book, life, new):
            continue
        is_same = False
        _live(track, book, life, (one.until_s, tracks, found))
    if is_same:
        return Watched(one.kept, one.until_s, stood.due_s)
    return _written(found, tracks, mark, books)


def is_too_little(book: Rulebook, history: Sequence[Entry]) -> bool:
    """Whether no instant can let the rule hold, as little as there is."""
    if book.types is None or book.least == 1:
        return False
    return sum(entry[1] in book.types for entry in history) < book.least


def _anew(one: Looked, books: Books, mark: int) -> Watched:
    life, found = Life(one.history, one.standings), Watched(b"", one.until_s)
    # Of whom nothing was known before nothing was told either.
    found.is_anew = bool(one.kept) or len(one.history) > len(one.new)
    tracks: dict[str, Track] = {}
    for name in sorted(books.touched(one.history)):
        if is_too_little(books.books[name], one.history):
            continue
        _live(BEGINNING, books.books[name], life, (one.until_s, tracks, found))
    return _written(found, tracks, mark, books)


def _live(
    track: Track, book: Rulebook, life: Life, within: tuple[int, dict[str, Track], Watched]
) -> None:
    until_s, tracks, found = within
    track, episodes = advance(track, book, life, until_s)
    if track == BEGINNING:
        # Nothing that it looks at is left.
        tracks.pop(book.name, None)
    else:
        tracks[book.name] = track
    found.episodes += episodes


def _written(found: Watched, tracks: dict[str, Track], mark: int, books: Books) -> Watched:
    found.kept = write(tracks, mark, books.digest)
    found.due_s = min((track.due_s for track in tracks.values()), default=FOREVER)
    return found
