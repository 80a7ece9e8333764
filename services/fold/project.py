"""Projecting: how a batch lets facts grow, and the rows of the customers that they are part of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from services.fold.projection import AnyProjection, Event, View
from services.fold.resolve import Customers
from services.fold.settlements import Settlement
from services.store.port import EncodedFacts, Identifier, Row, Transaction


@dataclass(frozen=True, slots=True)
class Growth:
    """What happened, by the leaf it happened to."""

    events: Mapping[str, Sequence[Event]]
    settlements: Mapping[str, Sequence[Settlement]]

    def leaves(self) -> set[str]:
        """All of them."""
        return {*self.events, *self.settlements}


@dataclass(frozen=True, slots=True)
class Projected:
    """The facts of one projection that a batch needs, and what it makes of them."""

    before: Mapping[str, Any]
    """Of every leaf of the customers; of a backlog, where no row is made of them, of grown ones."""
    after: Mapping[str, Any]
    """Of the leaves that something happened to."""
    encoded: dict[str, EncodedFacts]
    rows: dict[str, Row]


def project(
    projection: AnyProjection,
    growth: Growth,
    customers: Customers,
    tx: Transaction,
    *,
    is_backlog: bool = False,
) -> Projected:
    """The facts of the leaves that something happened to, and the rows of ``customers``."""
    decode, encode, view = projection.decoder(), projection.encode, projection.view
    workspaces = {
        one.identifier: one.workspace for members in customers.members.values() for one in members
    }
    stored = tx.facts(projection.name, growth.leaves() if is_backlog and not view else workspaces)
    before = {leaf: decode(encoded) for leaf, encoded in stored.items()}
    after = grown(projection, before, growth)
    rows = views(projection, view, before | after, customers.members) if view else {}
    # An event that tells nothing new leaves the facts the very ones that they were.
    encoded = {
        leaf: (workspaces[leaf], encode(facts))
        for leaf, facts in after.items()
        if facts is not before.get(leaf, projection.initial)
    }
    return Projected(before, after, encoded, rows)


def grown(projection: AnyProjection, facts: Mapping[str, Any], growth: Growth) -> dict[str, Any]:
    """The facts, after a batch, of the leaves that something happened to; ``facts`` as before."""
    evolve, reorder, initial = projection.evolve, projection.reorder, projection.initial
    after: dict[str, Any] = {}
    for leaf, events in growth.events.items():
        fact = facts.get(leaf, initial)
        for event in events:
            fact = evolve(fact, event)
        after[leaf] = fact
    for leaf, settlements in growth.settlements.items():
        fact = after[leaf] if leaf in after else facts.get(leaf, initial)
        for former, latter in settlements:
            fact = reorder(fact, former, latter)
        after[leaf] = fact
    return after


def views(
    projection: AnyProjection,
    view: View[Any],
    facts: Mapping[str, Any],
    customers: Mapping[str, Sequence[Identifier]],
) -> dict[str, Row]:
    """The rows of those customers that have any facts."""
    merge, settle, columns = projection.merge, view.settle, itemgetter(*view.columns)
    rows: dict[str, Row] = {}
    for customer, members in customers.items():
        found = [facts[member.identifier] for member in members if member.identifier in facts]
        if found:
            merged = found[0]
            for other in found[1:]:
                merged = merge(merged, other)
            rows[customer] = (members[0].workspace, *columns(settle(merged, members)))
    return rows
