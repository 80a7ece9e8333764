"""Loyalty's laws and golden cases bite: with one rule broken, one of them fails."""

import importlib
from typing import Any, Final

import msgspec
import pytest

from services.fold import orders
from services.projector.projections.loyalty import entries, ledger, tiers
from services.projector.projections.loyalty.book import Era
from services.projector.projections.loyalty.entries import Entry
from services.projector.projections.loyalty.instants import NEVER
from services.projector.projections.loyalty.state import Lot, State, begin, lot_of
from tests.mutating import Break, Mutation, each_of, notices
from tests.unit import test_loyalty_golden, test_loyalty_laws

HOME: Final = "services.projector.projections.loyalty"


def replaced(places: str, other: object) -> Break:
    """Each of ``module.name`` is another."""

    def breaks(patch: pytest.MonkeyPatch) -> None:
        for place in places.split():
            module, _, name = place.rpartition(".")
            patch.setattr(importlib.import_module(f"{HOME}.{module}".rstrip(".")), name, other)

    return breaks


def by_earning(state: State, *groups: list[Lot]) -> list[Lot]:
    every = [lot for lots in groups or (state.lots,) for lot in lots]
    return sorted(every, key=lambda lot: (lot.at, lot.source, lot.id))


def as_a_whole(state: State, lot: Lot, due: int) -> int:
    return ledger.take_back(state, lot, lot.earned - lot.taken_back if due else 0)


def rounded_up(state: State, lot: Lot, due: int) -> int:
    return ledger.take_back(state, lot, min(due + 1, lot.earned - lot.taken_back) if due else 0)


def own_points_only(state: State, lot: Lot, due: int) -> int:
    return ledger.take_back(state, lot, min(due, lot.left))


def what_expired_too(state: State, lot: Lot, due: int) -> int:
    lot.spent = max(lot.spent, due - lot.left)
    return ledger.take_back(state, lot, due)


def every_time_anew(state: State, lot: Lot, due: int) -> int:
    taken = ledger.take_back(state, lot, due)
    lot.taken_back = 0
    lot.spent += taken
    return taken


def without_debts(state: State, lot: Lot) -> None:
    debt, state.debt = state.debt, 0
    ledger.come_in(state, lot)
    state.debt = debt


def once_its_rank_comes(owner: orders.Report, report: orders.Report, *, is_whole: bool) -> Entry:
    entry = _back(owner, report, is_whole=is_whole)
    key = (report.occurred_at, report.source, report.id, ())
    return msgspec.structs.replace(entry, key=key)


def only_part(owner: orders.Report, report: orders.Report, *, is_whole: bool) -> Entry:
    return _back(owner, report, is_whole=False)


def later_is_enough(state: State, entry: Entry) -> bool:
    return state.last is None or entry.key > state.last


def in_any_order(state: State, entry: Entry) -> bool:
    return entry.purchase is None or lot_of(state, entry.purchase) is not None


def not_foretold(state: State, seen: Any) -> None:
    due = seen.due
    _see_pending(state, seen)
    seen.due = due


def for_good(state: State, at: int, book: Any) -> tiers.Standing:
    return tiers.standing(state, at, book)._replace(until=NEVER)


def without_notice(now: int, notice: int, due: int) -> Any:
    seen = _Seen(now, notice, due)
    seen.notice = 0
    return seen


def forgetting(**more: Any) -> State:
    state = begin(**more)
    del state.__dict__["known"]
    return state


def no_grace(falls: int, era: Era) -> int:
    return falls


def for_ever(at: int, era: Era) -> int:
    return NEVER


def at_any_time(state: State, lot: Lot, points: int, book: Any) -> None:
    state.was = 10**9
    tiers.take_away(state, lot, points, book)


def in_greenwich(zone: str) -> Any:
    return _wall_in("UTC")


def uncapped(state: State, name: str, points: int, most: int) -> int:
    return points


def as_told(order: orders.Order, reports: orders.Reports, type_: str) -> orders.Reports:
    return reports


def in_any_currency(order: orders.Order, owner: orders.Report) -> orders.Reports:
    return order.refunds


def nothing(*_: object, **__: object) -> Any:
    return None


def none_of_them(*_: object) -> list[Any]:
    return []


_settle = importlib.import_module(f"{HOME}.settle")
_see_pending, _Seen = _settle._see_pending, _settle._Seen
_back, _wall_in = entries._back, importlib.import_module(f"{HOME}.wall").wall_in


def golden() -> None:
    """Every golden case."""
    for case in test_loyalty_golden.CASES:
        test_loyalty_golden.test_a_member_has_what_the_story_says(case)


FAST = test_loyalty_laws.test_the_fast_path_is_the_slow_one_after_every_arrival
DUE = test_loyalty_laws.test_nothing_changes_before_it_is_due
SUMS = test_loyalty_laws.test_lots_less_debt_are_the_balance_and_sums_and_statement_come_to_it
PAST = test_loyalty_laws.test_a_statement_adds_up_on_any_day_in_the_past
BOUND = test_loyalty_laws.test_refunds_never_take_more_than_their_purchase_gave
GAIN = test_loyalty_laws.test_whoever_gives_back_every_order_has_gained_nothing
TIER = test_loyalty_laws.test_a_tier_is_the_highest_met_at_any_instant_of_the_grace

MUTATIONS = [
    Mutation("expiry order", replaced("post.spendable", by_earning), golden),
    Mutation("expiry", replaced("ledger.over settle.over", none_of_them), golden),
    Mutation("expiry before its next entry", replaced("settle.over", none_of_them), PAST, 2),
    Mutation("expiry while pending", replaced("ledger.over_pending", none_of_them), SUMS),
    Mutation("pending", replaced("post.available_at", lambda at, era: 0), golden),
    Mutation("pending ends", replaced("ledger._mature", nothing), golden),
    Mutation("pending ends when due", replaced("settle._see_pending", not_foretold), DUE),
    Mutation("tiers end when due", replaced("settle.standing", for_good), DUE),
    Mutation("notice", replaced("settle._Seen", without_notice), golden),
    Mutation("proportion", replaced("post.take_back", as_a_whole), golden),
    Mutation("rounded for the member", replaced("post.take_back", rounded_up), golden),
    Mutation("what was spent", replaced("post.take_back", own_points_only), GAIN),
    Mutation("what was spent", replaced("post.take_back", own_points_only), golden),
    Mutation("what expired is gone", replaced("post.take_back", what_expired_too), golden),
    Mutation("taken back once", replaced("post.take_back", every_time_anew), BOUND),
    Mutation("debt first", replaced("post.come_in", without_debts), golden),
    Mutation("early refunds", replaced("entries._back", once_its_rank_comes), golden),
    Mutation("cancellation is whole", replaced("entries._back", only_part), golden),
    Mutation("closed lots", replaced(".follows", later_is_enough), FAST),
    Mutation("late entries", replaced(".follows", in_any_order), FAST),
    Mutation("all lots of the slow path", replaced("statement.begin", forgetting), BOUND),
    Mutation("grace", replaced("tiers.kept_until", no_grace), golden),
    Mutation("grace", replaced("tiers.kept_until", no_grace), TIER),
    Mutation("window", replaced("post.window_end tiers.window_end", for_ever), TIER),
    Mutation("qualifying less refunds", replaced("post.take_away", nothing), TIER),
    Mutation("met at no instant", replaced("post.take_away", at_any_time), golden),
    Mutation("policies that end", replaced("tiers._change", nothing), golden),
    Mutation("tier's percent", replaced("earning.tier_of", nothing), golden),
    Mutation("time zone", replaced("book.wall_in", in_greenwich), golden),
    Mutation("daily cap", replaced("earning._capped", uncapped), golden),
    Mutation("a new day", replaced("earning._new_day", nothing), golden),
    Mutation("inactivity", replaced("post._active", nothing), golden),
    Mutation("voids", lambda patch: patch.setattr(orders, "_standing", as_told), golden),
    Mutation("refunds' currency", replaced("entries.refunds_of", in_any_currency), golden),
]
"""One line a rule."""


@each_of(MUTATIONS)
def test_without_its_rule_a_law_fails(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> None:
    # A refund whose lot was forgotten is a bug of whoever posts it, and says so.
    notices(mutation, monkeypatch, by=(AssertionError, LookupError))
