"""Regrouping: what a batch's namings, merges and splits change about who is whom.

Three paths, one result (a property test holds them together): a naming known before changes
nothing, a newcomer that fits joins its group, and everything else scans its whole component again.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.envelope import Rank
from services.fold.identity import (
    CAP,
    Edge,
    Group,
    Split,
    common_among,
    is_login,
    is_vain,
    scan,
)
from services.store.port import EdgeRow, Identifier, Naming, Pair, SplitRow, Transaction

Namings: TypeAlias = Mapping[Pair, Collection[Rank]]
"""Pairs that a batch names, and the events that do."""


@dataclass(slots=True)
class Regrouped:
    """What to write: pairs with their first naming, later namings, moved identifiers' groups."""

    edges: dict[Pair, tuple[Edge, bool]] = field(default_factory=dict)
    """Pair → (its first naming, whether it was refused)."""
    again: list[Naming] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    """Every identifier whose group may have changed, newcomers among them."""
    common: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Work:
    """What the steps of one regrouping share."""

    tx: Transaction
    known: dict[str, Identifier]
    splits: Sequence[Split]
    """Of this batch."""
    has_splits: bool
    """Whether there is any split, of this batch or stored."""
    done: Regrouped
    first: dict[Pair, Edge] = field(default_factory=dict)
    """The pairs whose first naming is of this batch."""
    rescan: set[str] = field(default_factory=set)
    """Identifiers whose components have to be scanned."""


def regroup(
    tx: Transaction, namings: Namings, splits: Iterable[SplitRow], known: dict[str, Identifier]
) -> Regrouped:
    """Take in the namings and splits of one batch.

    ``known`` are the stored identifiers among their ends, with all others of the same customers;
    those that a scan reaches are added to it.
    """
    done = Regrouped(common={one.identifier for one in known.values() if one.is_common})
    parted = [_split(row) for row in splits]
    work = _Work(tx, known, parted, bool(parted) or tx.has_splits(), done)
    _name(work, namings)
    work.rescan |= {member for split in parted for member in split.one | split.other}
    _join(work)
    if work.rescan:
        _rescan(work)
    return done


def _name(work: _Work, namings: Namings) -> None:
    """Tell first namings from later ones."""
    known, again = work.known, work.done.again
    # Of a stranger no edge is stored.
    asked = [pair for pair in namings if pair[0] in known and pair[1] in known]
    stored = {row.pair: row for row in work.tx.edges_between(asked)} if asked else {}
    for pair, ranks in namings.items():
        row = stored.get(pair)
        if row is None:
            first, *later = sorted(set(ranks))
            work.first[pair] = Edge(first, *pair)
        else:
            first, *later = sorted({*ranks, row.rank})
            if first < row.rank:
                work.first[pair] = Edge(first, *pair)
            elif row.is_refused and work.has_splits:
                # A naming that is newer than the split may join what the first one could not.
                work.rescan |= {row.a, row.b}
        again += [(*pair, rank) for rank in later]


def _join(work: _Work) -> None:
    """Let newcomers join where the order can't matter; the rest is to be scanned."""
    known, done = work.known, work.done
    degree = Counter(end for edge in work.first.values() for end in (edge.a, edge.b))
    attached: list[tuple[Edge, str]] = []
    for edge in work.first.values():
        strangers = [end for end in (edge.a, edge.b) if end not in known]
        if is_vain(edge, done.common):
            done.edges[edge.pair] = edge, True
            done.groups |= {end: frozenset([end]) for end in strangers}
        elif work.has_splits or not _is_simple(edge, strangers, degree):
            work.rescan |= {edge.a, edge.b}
        elif len(strangers) == 2:
            done.edges[edge.pair] = edge, False
            done.groups |= dict.fromkeys(strangers, frozenset(strangers))
        else:
            attached.append((edge, strangers[0]))
    if attached:
        _attach(work, attached)


def _is_simple(edge: Edge, strangers: Sequence[str], degree: Mapping[str, int]) -> bool:
    """Whether a naming brings in a stranger, or is of two, whom nothing else names.

    Not where the stranger is a login and the other may be: two logins join only by a merge.
    """
    return (
        bool(strangers)
        and not edge.is_merge
        and not is_login(strangers[-1])
        and all(degree[stranger] == 1 for stranger in strangers)
    )


def _attach(work: _Work, attached: Sequence[tuple[Edge, str]]) -> None:
    """Let newcomers join known groups.

    A group that stays within the cap takes a newcomer at any place of the order. A full one refuses
    a newcomer that is newer than all that joined.
    """
    done = work.done
    groups = _groups_of({_host(edge, newcomer) for edge, newcomer in attached}, work.known)
    for edge, newcomer in sorted(attached):
        group = groups[_host(edge, newcomer)]
        if len(group) < CAP:
            joined = group | {newcomer}
            groups |= dict.fromkeys(joined, joined)
            done.groups |= dict.fromkeys(joined, joined)
            done.edges[edge.pair] = edge, False
        elif edge.rank > _newest_joined(work, group):
            done.groups[newcomer] = frozenset([newcomer])
            done.edges[edge.pair] = edge, True
        else:
            work.rescan |= {edge.a, edge.b}


def _host(edge: Edge, newcomer: str) -> str:
    return edge.b if edge.a == newcomer else edge.a


def _groups_of(identifiers: Collection[str], known: Mapping[str, Identifier]) -> dict[str, Group]:
    """The stored groups of ``identifiers``, by each of their members."""
    customers = {known[one].customer_id for one in identifiers}
    members: dict[str, set[str]] = defaultdict(set)
    for row in known.values():
        if row.customer_id in customers:
            members[row.customer_id].add(row.identifier)
    return {one: group for group in map(frozenset, members.values()) for one in group}


def _newest_joined(work: _Work, group: Group) -> Rank:
    here = [
        edge.rank for edge, refused in work.done.edges.values() if not refused and edge.a in group
    ]
    return max([row.rank for row in work.tx.joined_at(group)] + here)


def _rescan(work: _Work) -> None:
    """Scan components anew, this batch's edges and splits among the stored ones."""
    tx, done = work.tx, work.done
    component = _component(work)
    edges = component.edges
    done.common |= common_among(edges.values())
    namings, splits = list(edges.values()), list(work.splits)
    if work.has_splits:
        splits += [_split(row) for row in tx.splits_at(component.identifiers)]
    if splits:
        later = [*tx.namings_at(component.identifiers), *done.again]
        namings += [
            Edge(rank, a, b, merge) for a, b, merge, rank in later if (a, b, merge) in edges
        ]
    scanned = scan(namings, splits, done.common, CAP)
    for pair, edge in edges.items():
        is_refused = edge in scanned.refused
        if pair in work.first or component.refused.get(pair) != is_refused:
            done.edges[pair] = edge, is_refused
    alone = {one: frozenset([one]) for one in component.identifiers if one in work.known}
    done.groups |= alone
    done.groups |= scanned.groups


@dataclass(slots=True)
class _Component:
    """What edges reach from some identifiers, refused ones too: an older arrival may free them."""

    identifiers: set[str] = field(default_factory=set)
    edges: dict[Pair, Edge] = field(default_factory=dict)
    refused: dict[Pair, bool] = field(default_factory=dict)
    """Of the stored edges, whether they were."""


def _component(work: _Work) -> _Component:
    """Breadth first; through a common identifier only merges lead on: nothing else joins there."""
    found, known, common = _Component(), work.known, work.done.common
    fresh: dict[str, list[Edge]] = defaultdict(list)
    for edge in work.first.values():
        fresh[edge.a].append(edge)
        fresh[edge.b].append(edge)
    frontier, strangers = set(work.rescan), work.rescan - known.keys()
    while frontier:
        if missing := frontier - known.keys() - strangers:
            stored = work.tx.groups_of(missing)
            known |= stored
            common |= {one.identifier for one in stored.values() if one.is_common}
        found.identifiers |= frontier
        rows = _stored_at(work.tx, frontier - strangers, common)
        near = [
            edge
            for one in frontier
            for edge in fresh.get(one, ())
            if edge.is_merge or one not in common
        ]
        for row in rows:
            found.edges[row.pair] = work.first.get(row.pair) or Edge(row.rank, *row.pair)
            found.refused[row.pair] = row.is_refused
        found.edges |= {edge.pair: edge for edge in near}
        strangers |= {end for edge in near for end in (edge.a, edge.b)} - known.keys()
        frontier = {end for row in rows for end in (row.a, row.b)}
        frontier |= {end for edge in near for end in (edge.a, edge.b)}
        frontier -= found.identifiers
    return found


def _stored_at(
    tx: Transaction, identifiers: Collection[str], common: Collection[str]
) -> Sequence[EdgeRow]:
    """The stored edges that lead on from ``identifiers``."""
    plain = [one for one in identifiers if one not in common]
    shared = [one for one in identifiers if one in common]
    return [*(tx.edges_at(plain) if plain else ()), *(tx.merges_at(shared) if shared else ())]


def _split(row: SplitRow) -> Split:
    return Split(row.rank, frozenset(row.one), frozenset(row.other))
