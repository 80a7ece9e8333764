"""Due: scores that passing time changes, or another model, some thousand customers at a time.

While some are scored, a thread writes those who were scored before them and looks up those who come
next: PostgreSQL then works on a core of its own, and only that thread waits for it. All of it goes
over one connection, one transaction after the other, so that it is still one process that scores.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from services.fold.garbage import not_collecting
from services.scoring.fold import Outcome, Seen, Work, score_seen, see, write
from services.scoring.shelf import Shelf
from services.scoring.taking import Read
from services.store.scores import ALWAYS_DUE, ScoreChanges, Scores

SOME: Final = 2_000
"""Customers of one transaction; of a quarter as many each costs PostgreSQL a third more."""
MOST: Final = 8_000
"""Of one call, if more comes meanwhile: it waits for half a second."""
LONGEST: Final = 4
"""Times as many while nothing comes: at the beginning of a call, and at its end, one core rests."""
SWITCH_S: Final = 0.000_5
"""The thread, once PostgreSQL has answered, waits so long for its turn: with Python's own 5 ms it
would wait longer at each statement than PostgreSQL takes."""


@not_collecting()
def score_due(store: Scores, shelf: Shelf, most: int) -> int:
    """Score ``most`` whom time, or another model, may change, and more while nothing comes.

    Gives how many, 0 once none is left. Whoever was written is so for good. Raises ``Unavailable``:
    then ask again.
    """
    came = store.checkpoints()
    with store.transaction() as tx:
        tick = tx.tick() or ALWAYS_DUE
        to_judge = tx.to_judge(tick, most)
        customers = [*dict.fromkeys([*tx.due(tick, LONGEST * most), *to_judge])]
        if not customers:
            return 0
        # Each is made when its turn comes, and let go of: the more is at hand, the slower is all.
        bites = (
            _Bite(customers[first : first + SOME], {*to_judge}, shelf)
            for first in range(0, len(customers), SOME)
        )
        first_bite = next(bites)
        first_seen = see(first_bite.work, first_bite.customers, tx)
    # By other rules everybody is due: whom it may concern is asked anew.
    is_alone = bool(first_bite.work.changes.books)
    bite: _Bite | None = first_bite
    seen: Seen | None = first_seen
    done, scored = 0, None
    with _switching(), ThreadPoolExecutor(1, "scoring") as beside:
        while bite and seen:
            done += len(bite.customers)
            following = None if is_alone else next(bites, None)
            ahead = beside.submit(_turn, store, scored, following, came if done >= most else None)
            scored = bite.work, seen, score_seen(bite.work, seen)
            bite, seen = following, ahead.result()
    _turn(store, scored, None)
    return done


_Scored = tuple[Work, Seen, Outcome]


class _Bite:
    """Some customers, and what becomes of their rows."""

    def __init__(self, customers: list[str], to_judge: set[str], shelf: Shelf) -> None:
        self.customers = customers
        self.work = Work(Read(to_judge=to_judge.intersection(customers)), shelf, ScoreChanges())


def _turn(
    store: Scores,
    scored: _Scored | None,
    following: _Bite | None,
    came: Mapping[int, int] | None = None,
) -> Seen | None:
    """Write the ones, and look up the others, in a transaction.

    None is looked up where the projector is farther than it ``came`` before.
    """
    if came is not None and store.checkpoints() != came:
        following = None
    if scored is None and following is None:
        return None
    with store.transaction() as tx:
        if scored is not None:
            write(*scored, tx)
        seen = None if following is None else see(following.work, following.customers, tx)
    if scored is not None:
        scored[0].shelf.rules.saved()
    return seen


@contextmanager
def _switching() -> Iterator[None]:
    """Let threads take turns more often, for as long as the block lasts."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual_s)
