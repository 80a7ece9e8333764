"""Loyalty equals the oracle: lots, balance, debt and every line of a statement, at any time."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projector.projections.loyalty import lots, settle, statement
from tests.ledgers import (
    Told,
    adjusted,
    book_of,
    bought,
    days,
    folded,
    ledger,
    redeemed,
    refunded,
    simple,
)

ORACLE = Path(__file__).resolve().parents[3] / "shared" / "models" / "loyalty.py"


def _loaded() -> ModuleType:
    if not ORACLE.exists():
        pytest.skip(f"no oracle at {ORACLE}", allow_module_level=True)
    spec = importlib.util.spec_from_file_location("oracle_of_loyalty", ORACLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


oracle = _loaded()
BOOK = book_of(
    simple(
        expiry={"rule": "rolling", "after": {"days": oracle.TTL}},
        return_window={"days": oracle.RETURN_WINDOW},
    )
)
DAYS = st.integers(0, 200)
ORDERS = st.sampled_from(["o1", "o2", "o3"])
MINOR = st.integers(0, 30_000)
HAPPENED = st.one_of(
    st.tuples(st.just("purchase"), DAYS, ORDERS, MINOR, st.just(0)),
    st.tuples(st.just("refund"), DAYS, ORDERS, MINOR, st.just(0)),
    st.tuples(st.just("redemption"), DAYS, st.just(""), st.just(0), st.integers(1, 200)),
    st.tuples(st.just("adjustment"), DAYS, st.just(""), st.just(0), st.integers(-50, 50)),
)
HISTORIES = st.lists(HAPPENED, max_size=8) | st.lists(HAPPENED, min_size=8, max_size=20)
INSTANTS = range(0, 320, 10)


def as_events(happened: Sequence[Any]) -> list[Told]:
    """What happened, as events."""
    made = []
    for number, (kind, day, order, minor, points) in enumerate(happened):
        at, id_ = days(day), f"e{number:02}"
        match kind:
            case "purchase":
                made.append(bought(order, minor, at, id_))
            case "refund":
                made.append(refunded(order, minor, at, id_))
            case "redemption":
                made.append(redeemed(points, at, id_))
            case _:
                made.append(adjusted(points, at, id_))
    return made


def as_entries(happened: Sequence[Any]) -> list[Any]:
    """The same for the oracle."""
    return [
        oracle.Entry(day, f"e{number:02}", kind, order, minor, points)
        for number, (kind, day, order, minor, points) in enumerate(happened)
    ]


@given(HISTORIES, st.randoms(use_true_random=False))
def test_a_member_is_what_the_oracle_says_at_every_instant_in_any_arrival(
    happened: list[Any], random: Any
) -> None:
    events = as_events(happened)
    random.shuffle(events)
    entries = ledger(events)

    for now in INSTANTS:
        expected = oracle.settle(as_entries(happened), now)
        state = folded(entries, BOOK, until=days(now))
        found = settle(state, days(now), BOOK)
        open_lots = [lot for lot in expected.lots if lot.left]
        assert found["balance"] == expected.balance
        assert found["available"] == expected.available
        assert found["debt"] == expected.debt
        assert found["pending"] == sum(lot.left for lot in open_lots if lot.available_at > now)
        assert [(lot.left, lot.expires_at) for lot in lots(state, days(now))] == [
            (lot.left, days(lot.expires_at))
            for lot in sorted(open_lots, key=lambda lot: (lot.expires_at, lot.rank))
        ]


@given(HISTORIES)
def test_a_statement_has_the_oracles_lines(happened: list[Any]) -> None:
    entries = ledger(as_events(happened))

    for now in INSTANTS:
        expected = oracle.settle(as_entries(happened), now)
        found = statement(entries, BOOK, days(now))
        assert sorted((line.at, line.kind, line.points) for line in found) == sorted(
            (days(at), kind, points) for at, kind, points in expected.lines
        )
        assert (found[-1].balance if found else 0) == expected.balance
