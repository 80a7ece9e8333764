"""The path: every stage that a customer went through, computed from facts and rules alone."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from services.projector.projections.lifecycle.activity import Entry
from services.projector.projections.lifecycle.book import Book
from services.projector.projections.lifecycle.conditions import Why
from services.projector.projections.lifecycle.course import (
    State,
    begin,
    post,
    stays,
)
from services.projector.projections.lifecycle.days import date_of, day_of


class Move(NamedTuple):
    """A customer came to a stage of a machine, and why."""

    machine: str
    stage: str
    from_date: date
    why: Why


def path(entries: Iterable[Entry], book: Book, until: datetime) -> list[Move]:
    """All moves up to the day of ``until``, those by time alone too, by day and then by machine.

    A day may hold two moves of a machine: by silence at its beginning, and by what then happened.
    """
    today, state, stages = day_of(until), begin(), dict[str, str]()
    moves: list[Move] = []
    for entry in entries:
        if entry.day > today:
            break
        moves += _moves(state, entry.day, book, stages)
        post(state, entry, book)
    return moves + _moves(state, today, book, stages)


def _moves(state: State, to: int, book: Book, stages: dict[str, str]) -> list[Move]:
    """The moves from the open day on, up to where the day ``to`` begins."""
    if not state.day:
        return []
    moves = []
    for name in book.names:
        for stay in stays(state, name, to, book):
            if stay.stage != stages.get(name):
                stages[name] = stay.stage
                moves.append(Move(name, stay.stage, date_of(stay.since), stay.why(state.standing)))
    return sorted(moves, key=lambda move: move.from_date)
