"""Comparing: who would be scored otherwise by other models, before these are promoted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from services.scoring.catalogue import Name
from services.scoring.model.history import Entry
from services.scoring.scored import Lived, lived, score
from services.scoring.trained import Trained

CHUNK = 2_000
"""Customers at once."""


@dataclass(slots=True)
class Compared:
    """What another set of models changes."""

    customers: int = 0
    moves: Counter[tuple[Name, str | None, str | None]] = field(default_factory=Counter)
    """Customers by score, its band now and its band then; None where there is no such score."""
    tiers: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    """Customers by tier now and then."""
    moved: int = 0
    """Who change a band or the tier."""


def compare(
    histories: Iterable[Sequence[Entry]],
    tick: datetime | None,
    models: tuple[Trained | None, Trained | None],
) -> Compared:
    """Score everybody by both ``models``, now and then."""
    done, now, then = Compared(), *models
    for chunk in _chunks(lived(history, tick) for history in histories):
        for before, after in zip(score(chunk, now), score(chunk, then), strict=True):
            moves = list(_moves(before.scores, after.scores))
            done.customers += 1
            done.moves.update(moves)
            done.tiers[before.tier, after.tier] += 1
            done.moved += bool(moves) or before.tier != after.tier
    return done


def _moves(
    before: Mapping[Name, tuple[float, str]], after: Mapping[Name, tuple[float, str]]
) -> Iterator[tuple[Name, str | None, str | None]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = (own[name][1] if name in own else None for own in (before, after))
        if old != new:
            yield name, old, new


def _chunks(everyone: Iterable[Lived]) -> Iterator[list[Lived]]:
    waiting = iter(everyone)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk
