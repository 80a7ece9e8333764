"""Regrouping: what a batch's namings, merges and splits change about who is whom.

Three paths, one result (a property test holds them together): a naming known before changes nothing, a newcomer
that fits joins its group, and everything else scans its whole component again.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from schemas.envelope import Rank
from services.fold.identity import (
    CAP,
    Edge,
    Group,
    Pair,
    Split,
    common_among,
    is_login,
    scan,
)
from services.store.port import Identifier, Transaction


@dataclass(slots=True)
class Regrouped:
    """What to write: pairs with their first naming, later namings, and each moved identifier's group."""

    edges: dict[Pair, tuple[Edge, bool]] = field(default_factory=dict)
    """Pair → (its first naming, whether it was refused)."""
    again: list[Edge] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    """Every identifier whose group may have changed, newcomers among them."""
    common: set[str] = field(default_factory=set)


def regroup(
    tx: Transaction, named: Iterable[Edge], splits: Collection[Split], known: dict[str, Identifier]
) -> Regrouped:
    """Take in the edges and splits of one batch.

    ``known`` are the stored identifiers among their ends; those that a rescan reaches are added to it.
    """
    done = Regrouped(common={one.identifier for one in known.values() if one.is_common})
    splitting = bool(splits) or tx.has_splits()
    changed, rescan = _news(tx, named, done, splitting=splitting)
    rescan |= {member for split in splits for member in split.one | split.other}
    degree = Counter(end for edge in changed.values() for end in (edge.a, edge.b))
    attached = []
    for edge in changed.values():
        newcomer = None if splitting else _newcomer(edge, degree, known)
        if _is_common(edge, done.common):
            done.edges[edge.pair] = edge, True
            done.groups |= {end: frozenset([end]) for end in (edge.a, edge.b) if end not in known}
        elif newcomer:
            attached.append((edge, newcomer))
        else:
            rescan |= {edge.a, edge.b}
    if attached:
        rescan |= _attach(tx, attached, known, done)
    if rescan:
        _rescan(tx, rescan, changed, splits, known, done)
    return done


def _news(
    tx: Transaction, named: Iterable[Edge], done: Regrouped, *, splitting: bool
) -> tuple[dict[Pair, Edge], set[str]]:
    """The pairs whose first naming is new or older than before, and ends that a split makes worth a look."""
    ranks: dict[Pair, set[Rank]] = defaultdict(set)
    for edge in named:
        ranks[edge.pair].add(edge.rank)
    before = {row.pair: row for row in tx.edges_between(ranks)} if ranks else {}
    changed: dict[Pair, Edge] = {}
    rescan: set[str] = set()
    for pair, found in ranks.items():
        row = before.get(pair)
        first, *later = sorted(found | {row.rank} if row else found)
        if row is None or first < row.rank:
            changed[pair] = Edge(first, *pair)
        elif row.is_refused and splitting:
            rescan |= {row.a, row.b}
        done.again += [Edge(rank, *pair) for rank in later]
    return changed, rescan


def _is_common(edge: Edge, common: Collection[str]) -> bool:
    return not edge.is_merge and (edge.a in common or edge.b in common)


def _newcomer(edge: Edge, degree: Mapping[str, int], known: Mapping[str, Identifier]) -> str | None:
    """The end that nobody named before and only this edge names, where the other end is known."""
    fresh = [end for end in (edge.a, edge.b) if end not in known]
    if edge.is_merge or len(fresh) != 1 or is_login(fresh[0]) or degree[fresh[0]] > 1:
        return None
    return fresh[0]


def _attach(
    tx: Transaction, attached: list[tuple[Edge, str]], known: dict[str, Identifier], done: Regrouped
) -> set[str]:
    """Let newcomers join where the order can't matter; gives the ends where it may.

    A group that stays within the cap takes a newcomer at any place of the order. A full one refuses a newcomer
    that is newer than all that joined.
    """
    groups = _groups_of(tx, {known[_other(edge, new)].customer_id for edge, new in attached}, known)
    rescan: set[str] = set()
    for edge, newcomer in sorted(attached):
        host = groups[_other(edge, newcomer)]
        if len(host) < CAP:
            joined = host | {newcomer}
            groups |= dict.fromkeys(joined, joined)
            done.groups |= dict.fromkeys(joined, joined)
            done.edges[edge.pair] = edge, False
        elif edge.rank > _newest_joined(tx, host, done):
            done.groups[newcomer] = frozenset([newcomer])
            done.edges[edge.pair] = edge, True
        else:
            rescan |= {edge.a, edge.b}
    return rescan


def _other(edge: Edge, end: str) -> str:
    return edge.b if edge.a == end else edge.a


def _groups_of(
    tx: Transaction, customer_ids: Collection[str], known: dict[str, Identifier]
) -> dict[str, Group]:
    """The stored group of every identifier of these customers; they become known."""
    members: dict[str, set[str]] = defaultdict(set)
    for one in tx.members(customer_ids):
        members[one.customer_id].add(one.identifier)
        known[one.identifier] = one
    return {one: group for group in map(frozenset, members.values()) for one in group}


def _newest_joined(tx: Transaction, host: Group, done: Regrouped) -> Rank:
    here = [edge.rank for edge, refused in done.edges.values() if not refused and edge.a in host]
    return max([row.rank for row in tx.joined_at(host)] + here)


def _rescan(
    tx: Transaction,
    starts: Collection[str],
    changed: Mapping[Pair, Edge],
    splits: Collection[Split],
    known: dict[str, Identifier],
    done: Regrouped,
) -> None:
    """Scan the components of ``starts`` anew, this batch's edges and splits among the stored ones."""
    component = _component(tx, starts, changed, known, done.common)
    edges = component.edges
    done.common |= common_among(edges.values())
    standing = [
        *splits,
        *(
            Split(row.rank, frozenset(row.one), frozenset(row.other))
            for row in tx.splits_at(component.identifiers)
        ),
    ]
    every = list(edges.values())
    if standing:
        every += [
            Edge(rank, a, b, is_merge)
            for a, b, is_merge, rank in tx.namings_at(component.identifiers)
        ]
        every += [edge for edge in done.again if edge.pair in edges]
    scanned = scan(every, standing, done.common, CAP)
    for pair, edge in edges.items():
        # At a common identifier even what a merge has joined since: the scan passes it over.
        refused = edge in scanned.refused or _is_common(edge, done.common)
        if pair in changed or component.refused.get(pair) != refused:
            done.edges[pair] = edge, refused
    alone = {one: frozenset([one]) for one in component.identifiers if one in known}
    done.groups |= alone | scanned.groups


@dataclass(slots=True)
class _Component:
    """What edges reach from some identifiers, refused ones too: an older arrival may free them."""

    identifiers: set[str] = field(default_factory=set)
    edges: dict[Pair, Edge] = field(default_factory=dict)
    refused: dict[Pair, bool] = field(default_factory=dict)


def _component(
    tx: Transaction,
    starts: Collection[str],
    changed: Mapping[Pair, Edge],
    known: dict[str, Identifier],
    common: set[str],
) -> _Component:
    """Breadth first; through a common identifier only merges lead on, for nothing else joins there."""
    found = _Component()
    fresh: dict[str, list[Edge]] = defaultdict(list)
    for edge in changed.values():
        fresh[edge.a].append(edge)
        fresh[edge.b].append(edge)
    frontier, unheard = set(starts), set(starts) - known.keys()
    while frontier:
        stored = tx.identifiers(frontier - known.keys() - unheard)
        known.update(stored)
        common |= {one.identifier for one in stored.values() if one.is_common}
        found.identifiers |= frontier
        heard = frontier - unheard
        rows = [*tx.edges_at(heard - common), *tx.merges_at(heard & common)] if heard else []
        near = [
            edge
            for one in frontier
            for edge in fresh.get(one, ())
            if edge.is_merge or one not in common
        ]
        for row in rows:
            found.edges[row.pair] = changed.get(row.pair) or Edge(row.rank, *row.pair)
            found.refused[row.pair] = row.is_refused
        found.edges |= {edge.pair: edge for edge in near}
        ends = {end for edge in (*rows, *near) for end in (edge.a, edge.b)}
        frontier = ends - found.identifiers
        unheard |= {edge_end for edge in near for edge_end in (edge.a, edge.b)} - known.keys()
    return found
