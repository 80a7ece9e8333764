"""The ledger: points come in as lots, and go by expiry, spending and taking back."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Final

from services.projector.projections.loyalty.book import Book
from services.projector.projections.loyalty.instants import NEVER
from services.projector.projections.loyalty.state import (
    EXPIRED,
    IDLE,
    NO_SUMS,
    Lot,
    Move,
    State,
    Sums,
    by_availability,
    by_expiry,
    expiry,
    in_order,
)
from services.projector.projections.loyalty.wall import Wall

NEAR: Final = 4
"""Lots at the end among which a place is looked for first; twice as many before them, and so on."""


def pass_time(state: State, at: int, book: Book) -> None:
    """Let lots expire and become available up to ``at``."""
    lots, ends_idle = state.lots, state.idle_until <= at
    if lots and (lots[0].expires_at <= at or ends_idle):
        _expire(state, over(state, at), book)
        idle = len(lots)
        while idle and not lots[idle - 1].left:
            idle -= 1
        del lots[idle:]
        _drop_first(lots)
    if state.pending:
        if state.pending_until <= at or ends_idle:
            _expire(state, over_pending(state, at), book)
            _clear_pending(state)
        if state.pending and state.pending[0].available_at <= at:
            _mature(state, at)
    if ends_idle:
        state.idle_until = NEVER


def come_in(state: State, lot: Lot) -> None:
    """Add a lot; what it owes to a debt is spent at once."""
    if paid := min(state.debt, lot.left):
        state.debt -= paid
        lot.left -= paid
        lot.spent += paid
    if state.known is not None:
        state.known[lot.source, lot.id] = lot
    if lot.left:
        state.left += lot.left
        if lot.available_at:
            _insert(state.pending, lot, by_availability)
            state.pending_until = min(state.pending_until, lot.expires_at)
        else:
            _insert(state.lots, lot, by_expiry)


def spend(state: State, points: int, lots: Iterable[Lot]) -> None:
    """Take ``points`` from ``lots``, which come by expiry; what they lack becomes debt."""
    emptied = 0
    for lot in lots:
        if not points:
            break
        part = min(points, lot.left)
        lot.left -= part
        lot.spent += part
        points -= part
        state.left -= part
        emptied += not lot.left
    state.debt += points
    if emptied:
        _clear(state, emptied)


def take_back(state: State, lot: Lot, due: int) -> int:
    """Take back ``due`` points of a lot; gives how many were.

    First what is left of it, then, for what was spent of it, other lots and in the end debt. What
    expired of it is gone already and is not asked for again.
    """
    own = min(due, lot.left)
    others = min(due - own, lot.spent)
    if own:
        _remove(state, lot, own)
    if others:
        lot.spent -= others
        spend(state, others, in_order(state, state.lots, state.pending))
    lot.taken_back += own + others
    return own + others


def add_up(state: State, at: int, what: int, points: int, *, wall: Wall) -> None:
    """Count ``points`` among the sums and those of the month that ``at`` falls in.

    Not for a statement, whose lines say all that: it would take a third as long again.
    """
    if points and state.moves is None:
        label = wall.month(at)
        state.sums = added(state.sums, what, points)
        state.months[label] = added(state.months.get(label, NO_SUMS), what, points)


def added(sums: Sums, what: int, points: int) -> Sums:
    """The sums with ``points`` more of one of them."""
    return (*sums[:what], sums[what] + points, *sums[what + 1 :])  # type: ignore[return-value]


def over(state: State, at: int) -> list[Lot]:
    """The available lots that have expired by ``at``."""
    found, lots = [], state.lots
    for lot in lots:
        if lot.expires_at > at:
            break
        found.append(lot)
    if state.idle_until <= at and lots and lots[-1].expires_at == IDLE:
        found += lots[bisect_left(lots, IDLE, key=_expires_at) :]
    return found


def over_pending(state: State, at: int) -> list[Lot]:
    """The pending lots that have expired by ``at``."""
    return [lot for lot in in_order(state, state.pending) if expiry(state, lot) <= at]


def _expire(state: State, gone: Iterable[Lot], book: Book) -> None:
    for lot in gone:
        ended = expiry(state, lot)
        state.left -= lot.left
        add_up(state, ended, EXPIRED, lot.left, wall=book.era(ended).wall)
        if state.moves is not None:
            state.moves.append(Move(ended, "expiry", -lot.left, (lot.source, lot.id)))
        lot.left = 0


def _mature(state: State, at: int) -> None:
    pending = state.pending
    ripe = bisect_right(pending, at, key=_available_at)
    for lot in pending[:ripe]:
        lot.available_at = 0
        _insert(state.lots, lot, by_expiry)
    del pending[:ripe]
    if not pending:
        state.pending_until = NEVER


def _insert(lots: list[Lot], lot: Lot, place: Callable[[Lot], Any]) -> None:
    """Near the end mostly: lots come in nearly in order."""
    here, last, near = place(lot), len(lots), NEAR
    first = last
    while first and here < place(lots[first - 1]):
        first, last, near = max(0, first - near), first, 2 * near
    lots.insert(bisect_right(lots, here, first, last, key=place), lot)


def _remove(state: State, lot: Lot, points: int) -> None:
    """Take points that are left of a lot."""
    lot.left -= points
    state.left -= points
    if not lot.left:
        lots, place = (
            (state.pending, by_availability) if lot.available_at else (state.lots, by_expiry)
        )
        del lots[bisect_left(lots, place(lot), key=place)]


def _clear(state: State, emptied: int) -> None:
    """Let lots leave of which nothing is left; mostly they are the first."""
    if emptied > len(state.lots) or any(lot.left for lot in state.lots[:emptied]):
        state.lots = [lot for lot in state.lots if lot.left]
        _clear_pending(state)
    else:
        del state.lots[:emptied]


def _clear_pending(state: State) -> None:
    state.pending = [lot for lot in state.pending if lot.left]
    state.pending_until = min([NEVER, *[lot.expires_at for lot in state.pending]])


def _drop_first(lots: list[Lot]) -> None:
    gone = 0
    while gone < len(lots) and not lots[gone].left:
        gone += 1
    del lots[:gone]


def _available_at(lot: Lot) -> int:
    return lot.available_at


def _expires_at(lot: Lot) -> int:
    return lot.expires_at
