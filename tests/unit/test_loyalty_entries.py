"""Entries and statements: what moves points, in what order, and with which event behind it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from services.fold.projection import Event
from services.projector.projections import loyalty
from services.projector.projections.loyalty import Entry
from tests.ledgers import (
    Told,
    adjusted,
    answered,
    book_of,
    bought,
    cancelled,
    days,
    encoded,
    folded,
    granted,
    ledger,
    redeemed,
    refunded,
    simple,
    stored,
)
from tests.programmes import LEDGERS

BOOK = book_of(simple(expiry={"rule": "rolling", "after": {"days": 100}}))


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        pytest.param(redeemed(5, days(1), "e"), ("redemption", 5, 0), id="redeemed"),
        pytest.param(adjusted(-5, days(1), "e"), ("adjustment", -5, 0), id="adjusted"),
        pytest.param(granted(5, days(1), "e", cost=7), ("grant", 5, 7), id="granted"),
        pytest.param(answered("nps", days(1), "e"), ("feedback", 0, 0), id="answered"),
        pytest.param(answered("nps", days(1), "e", key_kind="browser"), None, id="from a browser"),
        pytest.param(
            granted(5, days(1), "e", key_kind="browser"), None, id="granted by a browser's key"
        ),
        pytest.param(bought("o", 5, days(1), "e"), None, id="bought, which its order tells"),
    ],
)
def test_an_event_is_the_entry_that_its_type_says(event: Told, entry: Any) -> None:
    found = loyalty.entry_of(Event.of(event))

    assert (found and (found.kind, found.points, found.cost_points)) == entry
    assert found is None or found.event == ("s", "e")


@given(LEDGERS)
def test_entries_are_in_strict_order_and_come_back_from_the_store_as_they_were(
    events: list[Told],
) -> None:
    entries = ledger(events)

    keys = [entry.key for entry in entries]
    back = [msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Entry) for one in entries]
    assert keys == sorted(set(keys))
    assert back == entries


def test_what_waits_for_its_purchase_comes_right_after_it_in_its_own_order() -> None:
    entries = ledger([
        cancelled("o", days(2), "c"),
        refunded("o", 1_00, days(1), "r"),
        adjusted(1, days(3), "a"),
        bought("o", 9_00, days(3), "p"),
        redeemed(1, days(3), "z"),
        refunded("o", 2_00, days(4), "later"),
    ])  # fmt: skip

    assert [entry.event[1] for entry in entries] == ["a", "p", "r", "c", "z", "later"]
    assert [entry.key[0] for entry in entries] == [days(3)] * 5 + [days(4)]


def test_a_statement_names_the_event_behind_every_line() -> None:
    lines = loyalty.statement(
        ledger([
            refunded("o", 3_00, days(1), "r"),
            bought("o", 9_00, days(3), "p"),
            granted(4, days(4), "g", cost=5),
            answered("nps", days(5), "f"),
        ]),
        BOOK,
        days(104),
    )  # fmt: skip

    assert [(line.at, line.kind, line.points, line.balance, line.id) for line in lines] == [
        (days(3), "purchase", 9, 9, "p"),
        (days(3), "refund", -3, 6, "r"),
        (days(4), "reward", -5, 1, "g"),
        (days(4), "grant", 4, 5, "g"),
        (days(5), "feedback", 0, 5, "f"),
        (days(103), "expiry", -1, 4, "p"),
        (days(104), "expiry", -4, 0, "g"),
    ]
    assert lines[0].remark == "euro 9"


def test_lots_are_shown_with_what_is_left_and_until_when() -> None:
    events = [bought("o", 9_00, days(3), "p"), redeemed(2, days(4), "r")]

    (lot,) = loyalty.lots(folded(ledger(events), BOOK), days(5))

    assert (lot.id, lot.earned, lot.left) == ("p", 9, 7)
    assert (lot.earned_at, lot.available_at, lot.expires_at) == (days(3), None, days(103))


def test_a_refund_of_an_open_lot_follows_and_one_of_a_closed_lot_does_not() -> None:
    entries = ledger([
        bought("o", 9_00, days(1), "p"),
        bought("q", 9_00, days(2), "q"),
        redeemed(9, days(3), "r"),
        refunded("o", 9_00, days(4), "b1"),
        refunded("q", 9_00, days(4), "b2"),
    ])  # fmt: skip
    state = stored(folded(entries[:3], BOOK))

    assert not loyalty.follows(state, entries[3])
    assert loyalty.follows(state, entries[4])
    with pytest.raises(LookupError, match="post all entries from the first"):
        loyalty.post(state, entries[3], BOOK)


def test_a_member_with_50_000_entries_is_kept_in_what_is_open() -> None:
    step = 1 / 96
    events = [
        bought(f"o{number}", 9_00, days(number * step), f"e{number:05}")
        if number % 2
        else redeemed(9, days(number * step), f"e{number:05}")
        for number in range(50_000)
    ]

    state = folded(ledger(events), BOOK)

    last = days(50_000 * step)
    assert loyalty.settle(state, last, BOOK)["balance"] == 0
    assert len(loyalty.lots(state, last)) <= 1
    assert len(encoded(state)) < 4_000
