"""The statement: every change of a balance, with the event behind it, adding up to the balance."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.entries import Entry
from services.projector.projections.loyalty.instants import instant, micros
from services.projector.projections.loyalty.ledger import pass_time
from services.projector.projections.loyalty.post import post
from services.projector.projections.loyalty.state import begin


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


class Statement:
    """A member's statement, which goes on as time and the member do; of one set of rules."""

    def __init__(self, book: Book) -> None:
        self._book, self._state = book, begin(is_stated=True)
        self._posted: list[Entry] = []
        self._at: datetime | None = None
        self.lines: Sequence[Line] = ()
        """Every change of the balance so far, oldest first; the last balance is the balance."""

    def goes_on_to(self, entries: Sequence[Entry], at: datetime) -> bool:
        """Whether ``entries``, in order, are those so far and others after its last instant."""
        count = len(self._posted)
        if self._at is None:
            return True
        if at < self._at or entries[:count] != self._posted:
            return False
        return count == len(entries) or entries[count].occurred_at > self._at

    def go_on(self, entries: Sequence[Entry], at: datetime) -> Sequence[Line]:
        """The lines up to ``at``, to which it ``goes_on_to``.

        What was told later is in them from its own instant on: they say what is known now of it.
        """
        state = self._state
        for entry in entries[len(self._posted) :]:
            if entry.occurred_at > at:
                break
            post(state, entry, self._book)
            self._posted.append(entry)
        pass_time(state, micros(at), self._book)
        balance, lines = self.lines[-1].balance if self.lines else 0, [*self.lines]
        for move in sorted(state.moves or (), key=attrgetter("at")):
            balance += move.points
            lines.append(
                Line(instant(move.at), move.kind, move.points, balance, *move.event, move.remark)
            )
        if state.moves:
            state.moves.clear()
        self._at, self.lines = at, lines
        return lines


def statement(entries: Sequence[Entry], book: Book, at: datetime) -> Sequence[Line]:
    """The statement at ``at``, from the entries in order."""
    return Statement(book).go_on(entries, at)
