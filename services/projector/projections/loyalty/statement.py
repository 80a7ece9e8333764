"""The statement: every change of a balance, with the event behind it, adding up to the balance."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, islice
from operator import attrgetter
from typing import Final, NamedTuple, Self, overload

from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.entries import Entry
from services.projector.projections.loyalty.instants import instant, micros
from services.projector.projections.loyalty.ledger import pass_time
from services.projector.projections.loyalty.post import post
from services.projector.projections.loyalty.state import Move, begin


class Line(NamedTuple):
    """One change of the balance."""

    at: datetime
    kind: str
    """Purchase, refund, redemption, adjustment, grant, reward, feedback or expiry."""
    points: int
    """Signed."""
    balance: int
    """After it."""
    source: str
    id: str
    """Of the event behind it; of an expiry, the event that the points came from."""
    remark: str
    """What gave the points, or why."""


class Lines(Sequence[Line]):
    """Changes of a balance, oldest first; a line is made when it is looked at.

    What they are made of may grow behind them: ``count`` says how many are theirs.
    """

    def __init__(self, moves: Sequence[Move], balances: Sequence[int], count: int) -> None:
        self._moves, self._balances, self._count = moves, balances, count

    def until(self, at: datetime) -> Self:
        """Those up to that instant."""
        last = bisect_right(self._moves, micros(at), hi=self._count, key=_AT)
        return type(self)(self._moves, self._balances, last)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | Sequence[Line]:
        found = range(self._count)[index]
        return self._line(found) if isinstance(found, int) else [self._line(one) for one in found]

    def _line(self, index: int) -> Line:
        move = self._moves[index]
        balance, why = self._balances[index], move.remark
        remark = why if isinstance(why, str) else ", ".join(f"{name} {gain}" for name, gain in why)
        return Line(instant(move.at), move.kind, move.points, balance, *move.event, remark)


class Statement:
    """A member's statement, which goes on as time and the member do; of one set of rules."""

    def __init__(self, book: Book) -> None:
        self._book, self._state = book, begin(is_stated=True)
        self._posted: list[Entry] = []
        self._at: datetime | None = None
        self._moves: list[Move] = []
        self._balances: list[int] = []
        self.lines = Lines(self._moves, self._balances, 0)
        """Every change of the balance so far; the last balance is the balance."""

    def goes_on_to(self, entries: Sequence[Entry], at: datetime) -> bool:
        """Whether ``entries``, in order, are those so far and others after its last instant."""
        count = len(self._posted)
        if self._at is None:
            return True
        if at < self._at or entries[:count] != self._posted:
            return False
        return count == len(entries) or entries[count].occurred_at > self._at

    def go_on(self, entries: Sequence[Entry], at: datetime) -> Lines:
        """The lines up to ``at``, to which it ``goes_on_to``.

        What was told later is in them from its own instant on: they say what is known now of it.
        """
        state, book = self._state, self._book
        first = len(self._posted)
        last = bisect_right(entries, at, lo=first, key=_OCCURRED_AT)
        self._posted += entries[first:last]
        for entry in entries[first:last]:
            post(state, entry, book)
        pass_time(state, micros(at), book)
        if moves := state.moves:
            moves.sort(key=_AT)
            before = self._balances[-1:]
            sums = accumulate(map(_POINTS, moves), initial=before[0] if before else 0)
            self._balances += islice(sums, 1, None)
            self._moves += moves
            moves.clear()
        self._at, self.lines = at, Lines(self._moves, self._balances, len(self._moves))
        return self.lines


def statement(entries: Sequence[Entry], book: Book, at: datetime) -> Sequence[Line]:
    """The statement at ``at``, from the entries in order."""
    return [*Statement(book).go_on(entries, at)]


_AT: Final = attrgetter("at")
_OCCURRED_AT: Final = attrgetter("occurred_at")
_POINTS: Final = attrgetter("points")
