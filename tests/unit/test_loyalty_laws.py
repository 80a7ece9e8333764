"""Loyalty's laws: ledgers add up, time is foretold, and the fast path is the slow one."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.projector.projections import loyalty
from services.projector.projections.loyalty import Book, Entry, State
from tests.ledgers import (
    Told,
    book_of,
    cancelled,
    days,
    encoded,
    folded,
    ledger,
    row,
    simple,
    stored,
)
from tests.programmes import BOOKS, HOURS, LEDGERS, PROGRAMMES

SHUFFLES = st.randoms(use_true_random=False)
LATEST = days(200)


def reached(entries: Sequence[Entry], at: datetime) -> datetime:
    """``at``, or when the last entry is if that is later."""
    return max([at, *(entry.key[0] for entry in entries[-1:])])


def posted(state: State, new: Sequence[Entry], book: Book) -> State | None:
    """The state with new entries, if they follow it."""
    for entry in new:
        if not loyalty.follows(state, entry):
            return None
        state = loyalty.post(state, entry, book)
    return state


@given(LEDGERS, BOOKS, SHUFFLES)
def test_the_fast_path_is_the_slow_one_after_every_arrival(
    events: list[Told], book: Book, random: Random
) -> None:
    # Mostly in order, as events arrive; else nothing would ever follow.
    events.sort(key=lambda event: (event.occurred_at, random.random()))
    for _ in range(len(events) // 8):
        events.insert(random.randrange(len(events)), events.pop(random.randrange(len(events))))
    state, known = loyalty.begin(), list[Entry]()

    for number in range(1, len(events) + 1):
        entries = ledger(events[:number])
        slow = folded(entries, book)
        fresh = [entry for entry in entries if entry not in known]
        is_grown = all(entry in entries for entry in known)
        fast = posted(stored(state), fresh, book) if is_grown else None
        state, known = slow, entries
        assert fast is None or encoded(fast) == encoded(slow)


@given(LEDGERS, BOOKS, HOURS)
def test_settling_changes_nothing_and_repeats_itself(
    events: list[Told], book: Book, at: datetime
) -> None:
    entries = ledger(events)
    state = folded(entries, book)
    before = encoded(state)

    first = loyalty.settle(state, reached(entries, at), book)
    again = loyalty.settle(stored(state), reached(entries, at), book)

    assert encoded(state) == before
    assert first == again


@given(LEDGERS, BOOKS, HOURS, st.integers(0, 1_000_000))
def test_nothing_changes_before_it_is_due(
    events: list[Told], book: Book, at: datetime, share: int
) -> None:
    entries = ledger(events)
    state, at = folded(entries, book), reached(entries, at)

    for _ in range(200):
        found = loyalty.settle(state, at, book)
        due: Any = found["due_at"]
        last = due - timedelta(microseconds=1) if due else at + timedelta(days=4000)
        assert due is None or due > at
        assert loyalty.settle(state, at + (last - at) // 1_000_000 * share, book) == found
        assert loyalty.settle(state, last, book) == found
        if due is None:
            return
        at = due
    raise AssertionError("never comes to rest")


@given(LEDGERS, BOOKS, HOURS)
def test_lots_less_debt_are_the_balance_and_sums_and_statement_come_to_it(
    events: list[Told], book: Book, at: datetime
) -> None:
    entries = ledger(events)
    at = reached(entries, at)
    state = folded(entries, book)

    found: Any = loyalty.settle(state, at, book)

    open_lots = loyalty.lots(state, at)
    lines = loyalty.statement(entries, book, at)
    assert sum(lot.left for lot in open_lots) - found["debt"] == found["balance"]
    assert all(lot.left > 0 for lot in open_lots)
    assert found["balance"] == sum(line.points for line in lines)
    assert not lines or lines[-1].balance == found["balance"]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    sums = [found[name] for name in ("earned", "redeemed", "expired", "reversed", "adjusted")]
    assert sums[0] - sums[1] - sums[2] - sums[3] + sums[4] == found["balance"]
    by_month = found["months"].values()
    assert [sum(month[column] for month in by_month) for column in range(5)] == sums
    assert found["available"] == max(
        0, sum(lot.left for lot in open_lots if lot.available_at is None) - found["debt"]
    )


@given(LEDGERS, BOOKS, HOURS)
def test_a_statement_adds_up_on_any_day_in_the_past(
    events: list[Told], book: Book, at: datetime
) -> None:
    lines = loyalty.statement(ledger(events), book, at)

    assert sum(line.points for line in lines) == row(events, book, at)["balance"]
    assert all(line.at <= at for line in lines)
    assert lines == [
        line for line in loyalty.statement(ledger(events), book, LATEST) if line.at <= at
    ]


@given(LEDGERS, BOOKS)
def test_refunds_never_take_more_than_their_purchase_gave(events: list[Told], book: Book) -> None:
    entries = ledger(events)
    purchase_of = {entry.event: entry.purchase or entry.event for entry in entries}

    moved: Counter[tuple[str, str]] = Counter()
    for line in loyalty.statement(entries, book, LATEST):
        if line.kind in ("purchase", "refund"):
            moved[purchase_of[line.source, line.id]] += line.points

    assert all(points >= 0 for points in moved.values())


@given(LEDGERS, PROGRAMMES)
def test_whoever_gives_back_every_order_has_gained_nothing(
    events: list[Told], programme: Any
) -> None:
    kinds = ("purchase.", "points.redeemed")
    kept = [event for event in events if event.type.startswith(kinds)]
    orders = {event.data.order_id for event in kept if event.type == "purchase.completed"}
    back = [cancelled(order, days(70), f"c{order}") for order in orders]
    book = book_of(programme)

    found = row([*kept, *back], book, days(71))

    assert found["balance"] == -sum(
        event.data.points for event in kept if event.type == "points.redeemed"
    )
    assert found["available"] == 0


@given(LEDGERS, BOOKS, SHUFFLES)
def test_any_order_of_arrival_gives_the_same_bytes(
    events: list[Told], book: Book, random: Random
) -> None:
    told = [*events, *(event for event in events if random.random() < 0.3)]
    random.shuffle(told)

    assert encoded(folded(ledger(told), book)) == encoded(folded(ledger(events), book))


GRACE = 9
TIERED = simple(
    tiers={
        "window": {"days": 12},
        "grace": {"days": GRACE},
        "levels": [{"name": f"t{points}", "threshold": points} for points in (1, 20, 60, 110)],
    }
)


@given(LEDGERS, HOURS)
def test_a_tier_is_the_highest_met_at_any_instant_of_the_grace(
    events: list[Told], at: datetime
) -> None:
    book = book_of(TIERED)
    entries = [entry for entry in ledger(events) if entry.key[0] <= at]

    found = row(events, book, at)["tier"]

    most = _most_in_grace(entries, book, at)
    met = [level.name for level in TIERED.tiers.levels if level.threshold <= most]  # type: ignore[union-attr]
    assert found == (met[-1] if met else None)


def _most_in_grace(entries: Sequence[Entry], book: Book, at: datetime) -> int:
    """The most qualifying points at any instant in the grace before ``at``: slow and plain."""
    purchase_of = {entry.event: entry.purchase or entry.event for entry in entries}
    earned_at = {entry.event: entry.key[0] for entry in entries if entry.kind == "purchase"}
    changes = []
    for line in loyalty.statement(entries, book, at):
        if line.kind in ("purchase", "refund"):
            since = earned_at[purchase_of[line.source, line.id]]
            changes.append((line.at, since + timedelta(days=12), line.points))
    instants = sorted({at, *(one for change in changes for one in change[:2] if one <= at)})
    most = 0
    for number, instant in enumerate(instants):
        until = instants[number + 1] if instant < at else at + timedelta(seconds=1)
        if until + timedelta(days=GRACE) > at:
            points = sum(some for since, end, some in changes if since <= instant < end)
            most = max(most, points)
    return most
