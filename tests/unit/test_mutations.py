"""The laws bite: with one rule of the folds broken, the law that guards it fails."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec
import pytest

from services.fold import gather, orders, regroup, settlements
from services.fold.identity import Edge, Scanned, Split
from services.fold.read_models import ReadModels
from services.fold.sift import sift
from services.projector.projections import profile
from services.projector.projections.profile import PROFILE
from services.store.memory import MemoryTransaction
from services.store.memory_seen import MemorySeen
from tests import histories
from tests.mutating import Break, Mutation, each_of, notices, replaced
from tests.unit import test_identity, test_laws


def nothing_again(tx: MemoryTransaction, hashes: Collection[str]) -> list[object]:
    return []


def knows_nothing(seen: MemorySeen, rows: Collection[object]) -> Mapping[int, object]:
    return {}


def but_for(**fields: object) -> Callable[[orders.Order], orders.Settled | None]:
    """``settle`` as it was, but for these fields of what it gives."""

    def mutated(order: orders.Order) -> orders.Settled | None:
        found = orders.settle(order)
        return found and msgspec.structs.replace(found, **fields)

    return mutated


def refunded_beyond_bounds(order: orders.Order) -> orders.Settled | None:
    found = orders.settle(order)
    whole = sum(
        one.amount_minor for one in order.refunds if found and one.currency == found.currency
    )
    return found and msgspec.structs.replace(found, refunded_minor=whole)


def refunded_in_any_currency(order: orders.Order) -> orders.Settled | None:
    found = orders.settle(order)
    return found and msgspec.structs.replace(found, refunds=len(order.refunds))


def trusting_browsers(order: orders.Order, event: Any) -> orders.Order:
    return orders.tell(order, msgspec.structs.replace(event, key_kind="write"))


def by_arrival(
    reports: tuple[orders.Report, ...], report: orders.Report
) -> tuple[orders.Report, ...]:
    return reports if report in reports else (*reports, report)


def keeping_the_first(
    reports: tuple[orders.Report, ...], report: orders.Report
) -> tuple[orders.Report, ...]:
    return reports or (report,)


def the_last_to_arrive(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return a | b


def without_tombstones(traits: dict[str, Any], event: Any) -> dict[str, Any]:
    described = _described(traits, event)
    return {name: one for name, one in described.items() if one.value is not None}


_described = profile._described


def a_plain_union(
    edges: Iterable[Edge], splits: Collection[Split], common: Collection[str], cap: int
) -> Scanned:
    groups: dict[str, frozenset[str]] = {}
    for edge in edges:
        joined = groups.get(edge.a, frozenset([edge.a])) | groups.get(edge.b, frozenset([edge.b]))
        groups |= dict.fromkeys(joined, joined)
    return Scanned(groups, frozenset())


def joining_at_once(work: Any) -> None:
    """Each new edge joins the groups that are stored; no component is looked at."""
    done, groups = work.done, dict(regroup._groups_of(work.known, work.known))
    for edge in work.first.values():
        joined = groups.get(edge.a, frozenset([edge.a])) | groups.get(edge.b, frozenset([edge.b]))
        groups |= dict.fromkeys(joined, joined)
        done.groups |= dict.fromkeys(joined, joined)
        done.edges[edge.pair] = edge, False


def without_splits(events: Iterable[Any]) -> Any:
    return dataclasses.replace(sift(events), splits=[])


def the_first_to_arrive(facts: profile.Profile, event: Any) -> profile.Profile:
    grown = profile.evolve(facts, event)
    return msgspec.structs.replace(grown, first_at=facts.first_at or grown.first_at)


def evolving(evolve: Callable[[profile.Profile, Any], profile.Profile]) -> Break:
    """Profiles evolve in another way."""
    models = ReadModels((dataclasses.replace(PROFILE, evolve=evolve),))
    return replaced(histories, "READ_MODELS", models)


ANY_ORDER = test_laws.test_any_order_batches_partitions_and_repetition_give_the_same_bytes
REPEATED = test_laws.test_a_repeated_event_changes_nothing_but_its_count
AS_ONE = test_laws.test_customers_merged_at_any_time_are_what_they_had_been_under_one_identifier
NEVER_MERGED = test_laws.test_merged_then_split_is_never_merged_however_often
SPEND = test_laws.test_orders_refunds_and_spend_are_what_the_set_of_events_says
ONCE = test_laws.test_an_order_counts_once_and_gives_back_no_more_than_it_brought
TOUCHES = test_laws.test_touches_are_what_the_set_of_events_says
GROUPS = test_identity.test_groups_equal_the_oracles_in_any_order_and_batches

MUTATIONS = [
    Mutation("dedupe", replaced(MemorySeen, "drop_known", knows_nothing), REPEATED, 1),
    Mutation("refunds", replaced(settlements, "settle", but_for(refunded_minor=0)), SPEND),
    Mutation("refunds' bound", replaced(settlements, "settle", refunded_beyond_bounds), SPEND),
    Mutation("refunds' currency", replaced(settlements, "settle", refunded_in_any_currency), SPEND),
    Mutation("cancellation", replaced(settlements, "settle", but_for(is_cancelled=False)), ONCE),
    Mutation("browsers", replaced(settlements, "tell", trusting_browsers), SPEND),
    Mutation("late older report", replaced(orders, "_with", by_arrival), ANY_ORDER),
    Mutation("late older report", replaced(orders, "_with", by_arrival), SPEND),
    Mutation("corroboration", replaced(orders, "_with", keeping_the_first), ANY_ORDER),
    Mutation("traits' order", replaced(profile, "_later", the_last_to_arrive), ANY_ORDER),
    Mutation("traits' order", replaced(profile, "_later", the_last_to_arrive), AS_ONE),
    Mutation("tombstones", replaced(profile, "_described", without_tombstones), ANY_ORDER, 6),
    Mutation("first touch", evolving(the_first_to_arrive), TOUCHES),
    Mutation("refused edges", replaced(regroup, "scan", a_plain_union), GROUPS),
    Mutation("rescan", replaced(regroup, "_rescan", joining_at_once), GROUPS),
    Mutation("rescan", replaced(regroup, "_rescan", joining_at_once), NEVER_MERGED),
    Mutation("common", replaced(regroup, "common_among", lambda edges: set()), GROUPS),
    Mutation("cap", replaced(regroup, "CAP", 10**6), GROUPS),
    Mutation("splits", replaced(gather, "sift", without_splits), GROUPS),
    Mutation("splits", replaced(gather, "sift", without_splits), NEVER_MERGED),
    Mutation("later namings", replaced(MemoryTransaction, "namings_at", nothing_again), GROUPS),
]
"""One line a rule."""


@pytest.fixture(autouse=True)
def _small_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    test_identity.cap_at_few(monkeypatch)


@each_of(MUTATIONS)
def test_without_its_rule_a_law_fails(monkeypatch: pytest.MonkeyPatch, mutation: Mutation) -> None:
    notices(mutation, monkeypatch)
