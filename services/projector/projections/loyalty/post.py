"""Posting: how a member's state grows by the next entry."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from schemas.rules.loyalty import Span
from services.projector.projections.loyalty.book import Book, Era
from services.projector.projections.loyalty.earning import (
    answered,
    available_at,
    bought,
    expires_at,
)
from services.projector.projections.loyalty.entries import Entry
from services.projector.projections.loyalty.instants import NEVER, micros
from services.projector.projections.loyalty.ledger import (
    add_up,
    come_in,
    pass_time,
    spend,
    take_back,
)
from services.projector.projections.loyalty.state import (
    ADJUSTED,
    EARNED,
    IDLE,
    REDEEMED,
    REVERSED,
    Lot,
    Move,
    State,
    in_order,
    lot_of,
    spendable,
)
from services.projector.projections.loyalty.tiers import (
    age,
    count,
    take_away,
    window_end,
)


def post(state: State, entry: Entry, book: Book) -> State:
    """The state, changed, with ``entry``, which ``follows`` it.

    Time passes up to the entry first: what expires at its very instant can't be spent by it.
    """
    at, purchase = micros(entry.key[0]), entry.purchase
    # Looked for first: of a lot that expires only now, what was spent can still be taken back.
    lot = lot_of(state, purchase) if purchase else None
    if at != state.at:
        pass_time(state, at, book)
        age(state, at, book)
        state.at = at
    state.last = entry.key
    if purchase:
        _refund(state, entry, lot, book)
    else:
        _POSTS[entry.kind](state, entry, book.era(at))
    return state


def _purchase(state: State, entry: Entry, era: Era) -> None:
    gains = bought(state, entry, era)
    points = sum([points for _, points in gains])
    state.purchases += 1
    _active(state, era)
    lot = _lot(state, entry, points, era)
    lot.amount_minor = entry.amount_minor
    available = available_at(state.at, era)
    if available > state.at:
        lot.available_at = available
    _earn(state, entry, lot, era)
    _moved(state, entry, points, gains)


def _feedback(state: State, entry: Entry, era: Era) -> None:
    points = answered(state, entry, era)
    _active(state, era)
    _earn(state, entry, _lot(state, entry, points, era), era)
    _moved(state, entry, points, entry.about)


def _grant(state: State, entry: Entry, era: Era) -> None:
    _active(state, era)
    if entry.cost_points:
        spend(state, entry.cost_points, spendable(state))
        add_up(state, state.at, REDEEMED, entry.cost_points, wall=era.wall)
        _moved(state, entry, -entry.cost_points, entry.about, kind="reward")
    if entry.points or not entry.cost_points:
        _earn(state, entry, _lot(state, entry, entry.points, era), era)
        _moved(state, entry, entry.points, entry.about)


def _redemption(state: State, entry: Entry, era: Era) -> None:
    _active(state, era)
    spend(state, entry.points, spendable(state))
    add_up(state, state.at, REDEEMED, entry.points, wall=era.wall)
    _moved(state, entry, -entry.points, entry.about)


def _adjustment(state: State, entry: Entry, era: Era) -> None:
    if entry.points > 0:
        lot = _lot(state, entry, entry.points, era)
        _begin_idling(state, lot, era)
        come_in(state, lot)
    else:
        spend(state, -entry.points, in_order(state, state.lots, state.pending))
    add_up(state, state.at, ADJUSTED, entry.points, wall=era.wall)
    _moved(state, entry, entry.points, entry.about)


def _refund(state: State, entry: Entry, lot: Lot | None, book: Book) -> None:
    if lot is None:
        raise LookupError(f"no lot of {entry.purchase}: post all entries from the first")
    amount_minor = lot.amount_minor
    back = amount_minor if entry.is_whole else entry.amount_minor
    lot.refunded_minor = min(amount_minor, lot.refunded_minor + back)
    asked = lot.earned * lot.refunded_minor // amount_minor if amount_minor else 0
    due = (lot.earned if entry.is_whole else asked) - lot.taken_back
    points = take_back(state, lot, max(0, due))
    add_up(state, state.at, REVERSED, points, wall=book.era(state.at).wall)
    if points and "purchase" in book.era(lot.at).qualifying:
        take_away(state, lot, points, book)
    _moved(state, entry, -points)


def _lot(state: State, entry: Entry, points: int, era: Era) -> Lot:
    _, source, id_, _ = entry.key
    return Lot(expires_at(state.at, era), state.at, source, id_, points, points)


def _earn(state: State, entry: Entry, lot: Lot, era: Era) -> None:
    points = lot.earned
    if not points:
        if state.known is not None:
            state.known[entry.event] = lot
        return
    _begin_idling(state, lot, era)
    come_in(state, lot)
    add_up(state, state.at, EARNED, points, wall=era.wall)
    if entry.kind in era.qualifying:
        count(state, points, window_end(state.at, era))


def _active(state: State, era: Era) -> None:
    """Let the inactivity after which idle lots end begin anew."""
    if era.expiry.rule == "inactivity" and (span := era.expiry.after):
        state.idle = span.days, span.months
    if state.idle_until != NEVER:
        state.idle_until = _idle_from(state, era)


def _begin_idling(state: State, lot: Lot, era: Era) -> None:
    """Let inactivity begin with the first lot that it ends."""
    if lot.expires_at == IDLE and state.idle_until == NEVER:
        if span := era.expiry.after:
            state.idle = span.days, span.months
        state.idle_until = _idle_from(state, era)


def _idle_from(state: State, era: Era) -> int:
    days, months = state.idle
    return era.wall.after(state.at, Span(days=days, months=months))


def _moved(
    state: State,
    entry: Entry,
    points: int,
    remark: str | Sequence[tuple[str, int]] = "",
    *,
    kind: str = "",
) -> None:
    """Tell whoever wants to know."""
    if state.moves is not None:
        state.moves.append(Move(state.at, kind or entry.kind, points, entry.event, remark))


_POSTS: Final[Mapping[str, Callable[[State, Entry, Era], None]]] = {
    "purchase": _purchase,
    "redemption": _redemption,
    "adjustment": _adjustment,
    "grant": _grant,
    "feedback": _feedback,
}
