"""Loyalty: points as lots that can be proven, and the tier that they make.

A member's state is the fold of entries in their canonical order; what is shown is the state settled
at an instant. Nothing here knows where entries come from.
"""

from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.entries import Entry, Key, entries_of, entry_of
from services.projector.projections.loyalty.post import post
from services.projector.projections.loyalty.settle import COLUMNS, Shown, lots, settle
from services.projector.projections.loyalty.state import State, as_of, begin, follows
from services.projector.projections.loyalty.statement import Line, Statement, statement

__all__ = [
    "COLUMNS",
    "Book",
    "Entry",
    "Key",
    "Line",
    "Shown",
    "State",
    "Statement",
    "as_of",
    "begin",
    "entries_of",
    "entry_of",
    "follows",
    "lots",
    "post",
    "settle",
    "statement",
]
