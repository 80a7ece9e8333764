"""A member's state: open lots, debt, what counts for tiers, and sums of all that is over."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from services.projector.projections.loyalty.entries import Entry, EventRef, Key
from services.projector.projections.loyalty.instants import BEGINNING, NEVER

IDLE: Final = NEVER + 1
"""Stands for ``State.idle_until`` in a lot's ``expires_at``, so that it sorts behind all others."""


class Lot(msgspec.Struct, array_like=True, gc=False):
    """Points that came in together; times in microseconds."""

    expires_at: int
    """``NEVER``, or ``IDLE`` if all such lots end after the same inactivity."""
    at: int
    source: str
    id: str
    """Of the event behind it."""
    earned: int
    left: int
    available_at: int = 0
    """0 once it is over."""
    spent: int = 0
    taken_back: int = 0
    amount_minor: int = 0
    """What the purchase cost, and of it was given back."""
    refunded_minor: int = 0


Sums: TypeAlias = tuple[int, int, int, int, int]
"""Points earned, redeemed, expired, reversed by refunds, adjusted: balance is the first less the
next three plus the last."""
NO_SUMS: Final[Sums] = (0, 0, 0, 0, 0)
EARNED, REDEEMED, EXPIRED, REVERSED, ADJUSTED = range(5)


class Move(NamedTuple):
    """A change of the balance, for statements."""

    at: int
    kind: str
    points: int
    event: EventRef
    remark: str | Sequence[tuple[str, int]] = ""
    """Why, or what each rule gave."""


class State(msgspec.Struct, array_like=True, dict=True):
    """What the entries so far come to, with time passed up to the last of them.

    Encoded, it holds what is open and sums. Two things live in memory alone: ``known``, every lot
    there ever was, while the entries are posted from the first; and ``moves``, for statements.
    """

    last: Key | None = None
    """Of the last entry."""
    at: int = BEGINNING
    """When it was."""
    lots: list[Lot] = []
    """To be spent, with points left, by when they expire, then canonically."""
    pending: list[Lot] = []
    """Not available yet, by when they will be, then canonically."""
    pending_until: int = NEVER
    """None of these expires before, but for idle ones."""
    left: int = 0
    """The points in all of these lots."""
    debt: int = 0
    idle: tuple[int, int] = (0, 0)
    """Days and months of inactivity after which idle lots end."""
    idle_until: int = NEVER
    """When they do, if nothing happens."""
    purchases: int = 0
    day_until: int = BEGINNING
    """When the day ends for which points under a daily cap are counted."""
    of_day: dict[str, int] = {}
    """These points, by rule."""
    untils: list[int] = []
    """When qualifying points stop counting for tiers, ascending."""
    totals: list[int] = []
    """Qualifying points in all of history up to those that stop counting then."""
    base: int = 0
    """The total of those that count no more."""
    was: int = 0
    """Qualifying points just before the last entry's instant."""
    held: dict[str, int] = {}
    """Tier → until when it is kept for it was met once."""
    sums: Sums = NO_SUMS
    months: dict[str, Sums] = {}
    """The same by month of the workspace's."""

    @property
    def known(self) -> dict[EventRef, Lot] | None:
        """Every lot by the event behind it; None in a state that was decoded."""
        found: dict[EventRef, Lot] | None = self.__dict__.get("known")
        return found

    @property
    def moves(self) -> list[Move] | None:
        """What happened to the balance, if somebody wants to know."""
        found: list[Move] | None = self.__dict__.get("moves")
        return found


def begin(*, is_stated: bool = False) -> State:
    """The state before anything."""
    state = State()
    state.__dict__["known"] = {}
    if is_stated:
        state.__dict__["moves"] = []
    return state


def follows(state: State, entry: Entry) -> bool:
    """Whether ``entry`` may be posted: it is later than all, and the state has what it refers to.

    A refund of points that are all gone is not: then post every entry, from ``begin`` on.
    """
    if state.last is not None and entry.key <= state.last:
        return False
    return (
        entry.purchase is None
        or state.known is not None
        or lot_of(state, entry.purchase) is not None
    )


def as_of(state: State) -> datetime | None:
    """When the last entry was."""
    return state.last[0] if state.last else None


def lot_of(state: State, purchase: EventRef) -> Lot | None:
    """The lot of a purchase; None where the state has it no more, or never had."""
    if state.known is not None:
        return state.known.get(purchase)
    source, id_ = purchase
    for lots in (state.pending, state.lots):
        for lot in reversed(lots):
            if lot.id == id_ and lot.source == source:
                return lot
    return None


def expiry(state: State, lot: Lot) -> int:
    """When a lot expires if nothing happens."""
    return state.idle_until if lot.expires_at == IDLE else lot.expires_at


def spendable(state: State) -> Sequence[Lot]:
    """The lots that are available, in the order in which they are spent."""
    lots = state.lots
    if not lots or lots[-1].expires_at != IDLE or lots[0].expires_at == IDLE:
        return lots
    return in_order(state, lots)


def in_order(state: State, *groups: list[Lot]) -> Sequence[Lot]:
    """Lots by when they expire, then canonically."""
    every = [lot for lots in groups for lot in lots]
    return sorted(every, key=lambda lot: (expiry(state, lot), lot.at, lot.source, lot.id))


by_expiry: Final = attrgetter("expires_at", "at", "source", "id")
by_availability: Final = attrgetter("available_at", "at", "source", "id")
"""A lot's place among those that are available, and among those that are not."""
