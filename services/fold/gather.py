"""Gathering: what a batch's events change, worked out in memory from the rows they touch."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from schemas import (
    CustomerMerged,
    CustomerSplit,
    EventConflicted,
    EventQuarantined,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
)
from schemas.envelope import Recorded
from services.fold.identity import Edge, Split
from services.fold.orders import Order, Settled, order_key, settle, tell
from services.fold.projection import AnyProjection, Event
from services.fold.regroup import Regrouped, regroup
from services.fold.take import Taken, id_hash
from services.store.port import Changes, EdgeRow, Identifier, OrderRow, SplitRow, Transaction

Told = (PurchaseCompleted, PurchaseRefunded, PurchaseCancelled)
Settlement = tuple[Settled | None, Settled | None]
_ORDER = msgspec.msgpack.Decoder(Order)
_Facts = TypeVar("_Facts")


def gather(taken: Taken, tx: Transaction, projections: Sequence[AnyProjection]) -> Changes:
    """Everything that the events in ``taken`` change, counts and checkpoints aside."""
    changes = Changes()
    events = list(taken.events())
    settlements = _orders(events, tx, changes)
    known = _identify(taken, events, tx, changes)
    by_leaf = _by_leaf(events)
    leaves = by_leaf.keys() | settlements.keys()
    _control(events, changes)
    customers = _customers(leaves, known, tx, changes)
    members = {one.identifier for group in customers.values() for one in group}
    workspaces = {one.identifier: one.workspace for group in customers.values() for one in group}
    for projection in projections:
        stored = tx.facts(projection.name, members)
        decode = projection.decoder()
        facts = {leaf: decode(encoded) for leaf, encoded in stored.items()}
        grown = _grown(projection, facts, by_leaf, settlements)
        changes.facts[projection.name] = {
            leaf: (workspaces[leaf], projection.encode(fact)) for leaf, fact in grown.items()
        }
        changes.views[projection.view] = _views(projection, facts | grown, customers)
    rows = changes.views.values()
    changes.gone = {
        customer for customer in customers if not any(customer in table for table in rows)
    }
    return changes


def _by_leaf(events: Iterable[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.recorded.identifiers:
            found[event.recorded.leaf].append(event)
    return found


def _orders(
    events: Sequence[Event], tx: Transaction, changes: Changes
) -> dict[str, list[Settlement]]:
    """Tell the orders; gives each owning leaf's settlements that are not what they were."""
    told: dict[str, list[Recorded[Any]]] = defaultdict(list)
    for event in events:
        if isinstance(event.data, Told):
            told[order_key(event.recorded.workspace, event.data.order_id)].append(event.recorded)
    stored = tx.orders(told) if told else {}
    settlements: dict[str, list[Settlement]] = defaultdict(list)
    for key, tellings in told.items():
        order = _ORDER.decode(stored[key].facts) if key in stored else Order()
        before = settle(order)
        for telling in tellings:
            order = tell(order, telling)
        row = OrderRow(
            key, tellings[0].workspace, tellings[0].data.order_id, msgspec.msgpack.encode(order)
        )
        changes.orders[key] = row
        _settled(before, settle(order), settlements)
    return settlements


def _settled(
    before: Settled | None, after: Settled | None, settlements: dict[str, list[Settlement]]
) -> None:
    if before == after:
        return
    if before and after and before.leaf == after.leaf:
        settlements[after.leaf].append((before, after))
        return
    if before:
        settlements[before.leaf].append((before, None))
    if after:
        settlements[after.leaf].append((None, after))


def _identify(
    taken: Taken, events: Sequence[Event], tx: Transaction, changes: Changes
) -> dict[str, Identifier]:
    """Take in who is named with whom; gives the stored identifiers that this concerns, as they were."""
    named, splits = _namings(events), [*_splits(events)]
    ends = {end for edge in named if edge.is_merge for end in (edge.a, edge.b)}
    ends |= {one for split in splits for one in split.one | split.other}
    known = dict(taken.known) | dict(tx.identifiers(ends - taken.known.keys()) if ends else {})
    workspaces = {
        identifier: event.recorded.workspace for event in events for identifier in _mentioned(event)
    }
    moved = regroup(tx, named, splits, known) if named or splits else Regrouped()
    groups = dict(moved.groups)
    for identifier in workspaces.keys() - known.keys() - groups.keys():
        groups[identifier] = frozenset([identifier])
    for edge, is_refused in moved.edges.values():
        workspace = workspaces.get(edge.a) or known[edge.a].workspace
        changes.edges[edge.pair] = EdgeRow(*edge.pair, workspace, edge.rank, is_refused)
    changes.namings = [(*edge.pair, edge.rank) for edge in moved.again]
    for identifier in groups.keys() | taken.plain.keys():
        before = known.get(identifier)
        group = groups.get(identifier)
        after = _identifier(identifier, before, taken, workspaces.get(identifier, ""))
        after = after._replace(
            customer_id=min(group) if group else after.customer_id,
            is_common=after.is_common or identifier in moved.common,
        )
        if after != before:
            changes.identifiers[identifier] = after
    return known


def _identifier(
    identifier: str, before: Identifier | None, taken: Taken, workspace: str
) -> Identifier:
    found = before or Identifier(identifier, workspace, "", None, identifier, is_common=False)
    if found.value is None and identifier in taken.plain:
        kind, value = taken.plain[identifier]
        return found._replace(kind=kind, value=value)
    return found


def _mentioned(event: Event) -> Collection[str]:
    if isinstance(event.data, CustomerMerged):
        return event.data.into, event.data.merged
    return event.recorded.identifiers


def _namings(events: Iterable[Event]) -> list[Edge]:
    """An edge from each event's leaf to each other identifier it names, and one for each merge."""
    edges = []
    for event in events:
        leaf, *others = event.recorded.identifiers or ("",)
        rank = event.rank
        edges += [Edge(rank, leaf, other) for other in others]
        if isinstance(event.data, CustomerMerged):
            a, b = sorted((event.data.into, event.data.merged))
            edges.append(Edge(rank, a, b, is_merge=True))
    return edges


def _splits(events: Iterable[Event]) -> Iterable[Split]:
    for event in events:
        if isinstance(event.data, CustomerSplit):
            yield Split(event.rank, frozenset(event.data.one), frozenset(event.data.other))


def _control(events: Iterable[Event], changes: Changes) -> None:
    """What control events say to the batch handler itself."""
    for event in events:
        match event.data:
            case CustomerSplit() as split:
                changes.splits.append(
                    SplitRow(
                        event.recorded.workspace,
                        event.rank,
                        tuple(sorted(split.one)),
                        tuple(sorted(split.other)),
                    )
                )
            case EventConflicted() as lost:
                key = id_hash(event.recorded.workspace, lost.event_source, lost.event_id)
                changes.conflicted.add((key, lost.lost_digest))
            case EventQuarantined() as taken_out:
                changes.quarantined.add((taken_out.partition, taken_out.offset))


def _customers(
    leaves: Collection[str], known: dict[str, Identifier], tx: Transaction, changes: Changes
) -> dict[str, list[Identifier]]:
    """The members of every customer whose row may change, and nobody for one that is no more."""
    missing = leaves - known.keys() - changes.identifiers.keys()
    known |= tx.identifiers(missing) if missing else {}
    now = known | changes.identifiers
    touched = {now[leaf].customer_id for leaf in leaves}
    for identifier, row in changes.identifiers.items():
        touched |= (
            {row.customer_id, known[identifier].customer_id}
            if identifier in known
            else {row.customer_id}
        )
    rows = {row.identifier: row for row in tx.members(touched)} | changes.identifiers
    customers: dict[str, list[Identifier]] = {customer: [] for customer in touched}
    for _, row in sorted(rows.items()):
        if row.customer_id in customers:
            customers[row.customer_id].append(row)
    return customers


def _grown(
    projection: AnyProjection,
    facts: Mapping[str, _Facts],
    by_leaf: Mapping[str, Sequence[Event]],
    settlements: Mapping[str, Sequence[Settlement]],
) -> dict[str, _Facts]:
    """The facts of the leaves that something happened to."""
    grown: dict[str, Any] = {}
    evolve: Callable[[Any, Event], Any] = projection.evolve
    for leaf, events in by_leaf.items():
        fact = facts.get(leaf, projection.initial)
        for event in events:
            fact = evolve(fact, event)
        grown[leaf] = fact
    for leaf, changed in settlements.items():
        fact = grown.get(leaf, facts.get(leaf, projection.initial))
        for before, after in changed:
            fact = projection.reorder(fact, before, after)
        grown[leaf] = fact
    return grown


def _views(
    projection: AnyProjection,
    facts: Mapping[str, Any],
    customers: Mapping[str, Sequence[Identifier]],
) -> dict[str, tuple[object, ...]]:
    """The rows of the customers that have any facts."""
    rows = {}
    for customer, members in customers.items():
        found = [facts[one.identifier] for one in members if one.identifier in facts]
        if not found:
            continue
        merged = found[0]
        for other in found[1:]:
            merged = projection.merge(merged, other)
        view = projection.settle(merged, members)
        rows[customer] = (members[0].workspace, *(view[column] for column in projection.columns))
    return rows
