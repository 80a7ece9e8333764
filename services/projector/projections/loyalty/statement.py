"""The statement: every change of a balance, with the event behind it, adding up to the balance."""

from collections.abc import Iterable
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


def statement(entries: Iterable[Entry], book: Book, at: datetime) -> list[Line]:
    """The statement at ``at``, from the entries in order; the last balance is the balance then.

    What was told later is in it from its own instant on: it says what is known now of that day.
    """
    now, state = micros(at), begin(is_stated=True)
    for entry in entries:
        if entry.occurred_at > at:
            break
        post(state, entry, book)
    pass_time(state, now, book)
    balance, lines = 0, []
    for move in sorted(state.moves or (), key=attrgetter("at")):
        balance += move.points
        lines.append(
            Line(instant(move.at), move.kind, move.points, balance, *move.event, move.remark)
        )
    return lines
