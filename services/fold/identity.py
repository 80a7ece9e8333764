"""Identity: which identifiers are one customer, as a scan of edges in canonical order.

Identifiers are hashes whose first hex digit is their strength (0 is a login), so the smallest is
the strongest.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from schemas.envelope import Rank
from services.store.port import Pair

CAP: Final = 50
"""Identifiers a customer may have; what would exceed it is refused."""
COMMON: Final = 3
"""Logins that may name one other identifier; one that more name is common, like a shop's tablet."""

Group = frozenset[str]


class Edge(msgspec.Struct, frozen=True, order=True, gc=False):
    """Two identifiers that an event names, ``a`` the stronger; sorts by the canonical order."""

    rank: Rank
    a: str
    b: str
    is_merge: bool = False
    """Whether a person asked for it."""

    @property
    def pair(self) -> Pair:
        """What its row is found by."""
        return self.a, self.b, self.is_merge


class Split(NamedTuple):
    """From ``rank`` back, nothing joins ``one`` and ``other``."""

    rank: Rank
    one: Group
    other: Group

    def parts(self, a: Group, b: Group) -> bool:
        """Whether it stands between ``a`` and ``b``."""
        return bool((a & self.one and b & self.other) or (a & self.other and b & self.one))


class Scanned(NamedTuple):
    """Each identifier's group, and the edges that joined nothing."""

    groups: Mapping[str, Group]
    refused: frozenset[Edge]


def scan(
    edges: Iterable[Edge], splits: Collection[Split], common: Collection[str], cap: int
) -> Scanned:
    """What the edges of whole components join, in canonical order, refusing those that may not."""
    groups: dict[str, Group] = {}
    refused = set()
    for edge in sorted(edges):
        a = groups.setdefault(edge.a, frozenset([edge.a]))
        b = groups.setdefault(edge.b, frozenset([edge.b]))
        if is_vain(edge, common):
            refused.add(edge)
        elif a is not b:
            joined = a | b
            if may_join(edge, (a, b), splits) and (edge.is_merge or len(joined) <= cap):
                groups |= dict.fromkeys(joined, joined)
            else:
                refused.add(edge)
    return Scanned(groups, frozenset(refused))


def is_vain(edge: Edge, common: Collection[str]) -> bool:
    """Whether ``edge`` names a common identifier, through which only a merge joins.

    It is refused even where its ends are one group already, so that this can be told without them.
    """
    return not edge.is_merge and (edge.a in common or edge.b in common)


def may_join(edge: Edge, sides: tuple[Group, Group], splits: Iterable[Split]) -> bool:
    """Whether ``edge`` may join the groups that its ends have by then, the cap left aside.

    Only a merge joins two logins; no edge older than a split joins what the split parts.
    """
    a, b = sides
    if any(edge.rank < split.rank and split.parts(a, b) for split in splits):
        return False
    return edge.is_merge or not (has_login(a) and has_login(b))


def has_login(group: Group) -> bool:
    """Whether one of ``group`` is a ``user:`` identifier."""
    return any(map(is_login, group))


def is_login(identifier: str) -> bool:
    """Whether the hash is of a ``user:`` identifier."""
    return identifier[0] == "0"


def common_among(edges: Iterable[Edge]) -> set[str]:
    """Identifiers that more than ``COMMON`` logins name: a count over a set knows no order."""
    named: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if not edge.is_merge and is_login(edge.a) and not is_login(edge.b):
            named[edge.b].add(edge.a)
    return {identifier for identifier, logins in named.items() if len(logins) > COMMON}
