"""Resolving: whom a batch names, who is whom by now, and which customers' rows that changes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.fold.regroup import Regrouped, regroup
from services.fold.sift import Sifted
from services.store.port import EdgeRow, Identifier, Naming, Pair, Transaction

Plain: TypeAlias = Mapping[str, tuple[str, str]]
"""Identifier → its kind and plain value."""


@dataclass(slots=True)
class Resolved:
    """The identifiers that a batch concerns, and what of them is to be written."""

    known: dict[str, Identifier]
    """As stored; with an identifier all others of its customer."""
    changed: dict[str, Identifier] = field(default_factory=dict)
    """Whole new rows, of strangers too."""
    edges: dict[Pair, EdgeRow] = field(default_factory=dict)
    namings: list[Naming] = field(default_factory=list)

    def regrouped(self) -> set[str]:
        """The customers that identifiers came to or left."""
        moved = set()
        for identifier, row in self.changed.items():
            before = self.known.get(identifier)
            if before and before.customer_id != row.customer_id:
                moved |= {before.customer_id, row.customer_id}
        return moved


@dataclass(frozen=True, slots=True)
class Customers:
    """The customers whose rows may change."""

    members: Mapping[str, Sequence[Identifier]]
    """Each customer's identifiers, strongest first; none where it is part of another now."""
    new: set[str]
    """Those that no stored identifier was of."""


def resolve(
    sifted: Sifted, known: Mapping[str, Identifier], plain: Plain, tx: Transaction
) -> Resolved:
    """Take in who is named with whom, who was merged and split, and what was told in plain."""
    done = Resolved(dict(known))
    _look_up(_controlled(sifted), done, tx)
    moved = (
        regroup(tx, sifted.namings, sifted.splits, done.known)
        if sifted.namings or sifted.splits
        else Regrouped()
    )
    done.namings = moved.again
    for pair, (edge, is_refused) in moved.edges.items():
        workspace = sifted.workspaces.get(edge.a) or done.known[edge.a].workspace
        done.edges[pair] = EdgeRow(*pair, workspace, edge.rank, is_refused)
    _change(done, moved, sifted.workspaces, plain)
    return done


def customers(done: Resolved, leaves: Collection[str], tx: Transaction) -> Customers:
    """Those of ``leaves``, and those that identifiers came to or left."""
    _look_up(leaves - done.changed.keys(), done, tx)
    now = done.known | done.changed
    touched = {now[leaf].customer_id for leaf in leaves}
    for identifier, row in done.changed.items():
        touched.add(row.customer_id)
        if before := done.known.get(identifier):
            touched.add(before.customer_id)
    members: dict[str, list[Identifier]] = {customer: [] for customer in touched}
    for row in now.values():
        if row.customer_id in touched:
            members[row.customer_id].append(row)
    for group in members.values():
        group.sort()
    return Customers(members, touched - {row.customer_id for row in done.known.values()})


def _look_up(identifiers: Iterable[str], done: Resolved, tx: Transaction) -> None:
    missing = set(identifiers) - done.known.keys()
    if missing:
        done.known |= tx.groups_of(missing)


def _controlled(sifted: Sifted) -> set[str]:
    """Whom merges, splits and what was taken back name."""
    merged = {end for a, b, is_merge in sifted.namings if is_merge for end in (a, b)}
    return merged.union(
        sifted.entries, *(side for split in sifted.splits for side in (split.one, split.other))
    )


def _change(done: Resolved, moved: Regrouped, workspaces: Mapping[str, str], plain: Plain) -> None:
    """The rows of identifiers that are new, were moved, became common or were told in plain."""
    known = done.known
    customer_ids = {group: min(group) for group in set(moved.groups.values())}
    # Whom only a record named that did not count has no row, though we could open it.
    told = plain.keys() & (known.keys() | workspaces.keys())
    for identifier in moved.groups.keys() | workspaces.keys() - known.keys() | told:
        before, group = known.get(identifier), moved.groups.get(identifier)
        row = before or _stranger(identifier, workspaces[identifier])
        kind, value = row.kind, row.value
        if value is None and identifier in plain:
            kind, value = plain[identifier]
        after = Identifier(
            identifier,
            row.workspace,
            kind,
            value,
            row.customer_id if group is None else customer_ids[group],
            row.is_common or identifier in moved.common,
        )
        if after != before:
            done.changed[identifier] = after


def _stranger(identifier: str, workspace: str) -> Identifier:
    return Identifier(identifier, workspace, "", None, identifier, is_common=False)
