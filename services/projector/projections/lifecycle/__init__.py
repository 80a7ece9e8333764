"""Lifecycle: the stage that each customer is in, of several machines, by day-based facts.

Facts of a leaf (``Activity``) say on which days something happened; the course of a customer's
merged facts (``State``) says what stage that led to under the rules of each day (``Book``).
"""

from services.projector.projections.lifecycle.activity import (
    INITIAL,
    Activity,
    Entry,
    entries_of,
    evolve,
    merge,
    reorder,
)
from services.projector.projections.lifecycle.book import Book
from services.projector.projections.lifecycle.course import State, begin, follows, post, settle
from services.projector.projections.lifecycle.path import Move, path

__all__ = [
    "INITIAL",
    "Activity",
    "Book",
    "Entry",
    "Move",
    "State",
    "begin",
    "entries_of",
    "evolve",
    "follows",
    "merge",
    "path",
    "post",
    "reorder",
    "settle",
]
