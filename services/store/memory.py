"""A store in memory, for tests of folds; passes the same contract suite as PostgreSQL's."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.errors import NotOurs
from services.store.memory_courses import CourseTables, MemoryCourses
from services.store.memory_seen import MemorySeen
from services.store.port import (
    Changes,
    EdgeRow,
    Identifier,
    Letter,
    Naming,
    OrderRow,
    Pair,
    Row,
    SplitRow,
    Tally,
)
from services.store.seen import Seen


@dataclass
class Tables:
    """The rows, by what they are found by."""

    checkpoints: dict[int, int] = field(default_factory=dict)
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    skipped: dict[tuple[int, int], str] = field(default_factory=dict)
    conflicted: set[tuple[str, str]] = field(default_factory=set)
    quarantined: set[tuple[int, int]] = field(default_factory=set)
    identifiers: dict[str, Identifier] = field(default_factory=dict)
    edges: dict[Pair, EdgeRow] = field(default_factory=dict)
    namings: list[Naming] = field(default_factory=list)
    splits: list[SplitRow] = field(default_factory=list)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    facts: dict[str, dict[str, tuple[str, bytes]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    views: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    courses: CourseTables = field(default_factory=CourseTables)
    letters: list[Letter] = field(default_factory=list)
    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    regrouped: list[str] = field(default_factory=list)


class MemoryStore:
    """One process's own store."""

    def __init__(self) -> None:
        self.tables = Tables()
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator["MemoryTransaction"]:
        """As the port says; transactions run one after the other."""
        with self._lock:
            transaction = MemoryTransaction(self.tables)
            yield transaction
            transaction.commit()

    def checkpoints(self) -> Mapping[int, int]:
        """As the port says."""
        return dict(self.tables.checkpoints)

    def close(self) -> None:
        """Nothing to give back."""


class MemoryTransaction:
    """Reads the tables, keeps what is to be written until the commit."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.seen = MemorySeen(tables.seen)
        self.courses = MemoryCourses(
            tables.courses, tables.views, tables.identifiers, tables.orders
        )
        self._changes: list[Changes] = []

    def claim(self, expected: Mapping[int, int]) -> None:
        """As the port says."""
        for partition, offset in expected.items():
            if (found := self._tables.checkpoints.get(partition, 0)) != offset:
                msg = f"partition {partition} is at {found}, not {offset}"
                raise NotOurs(msg)

    def conflicted(self, id_hashes: Collection[str]) -> Collection[tuple[str, str]]:
        """As the port says."""
        wanted = set(id_hashes)
        return {pair for pair in self._tables.conflicted if pair[0] in wanted}

    def quarantined(self, partitions: Collection[int]) -> Collection[tuple[int, int]]:
        """As the port says."""
        return {at for at in self._tables.quarantined if at[0] in partitions}

    def groups_of(self, hashes: Collection[str]) -> Mapping[str, Identifier]:
        """As the port says."""
        table = self._tables.identifiers
        customers = {table[one].customer_id for one in hashes if one in table}
        return {key: row for key, row in table.items() if row.customer_id in customers}

    def edges_between(self, pairs: Collection[Pair]) -> Sequence[EdgeRow]:
        """As the port says."""
        return [self._tables.edges[pair] for pair in pairs if pair in self._tables.edges]

    def edges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        wanted = set(hashes)
        return [
            edge for edge in self._tables.edges.values() if edge.a in wanted or edge.b in wanted
        ]

    def merges_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        return [edge for edge in self.edges_at(hashes) if edge.is_merge]

    def joined_at(self, hashes: Collection[str]) -> Sequence[EdgeRow]:
        """As the port says."""
        wanted = set(hashes)
        return [
            edge for edge in self._tables.edges.values() if edge.a in wanted and not edge.is_refused
        ]

    def namings_at(self, hashes: Collection[str]) -> Sequence[Naming]:
        """As the port says."""
        wanted = set(hashes)
        return [naming for naming in self._tables.namings if naming[0] in wanted]

    def has_splits(self) -> bool:
        """As the port says."""
        return bool(self._tables.splits)

    def splits_at(self, hashes: Collection[str]) -> Sequence[SplitRow]:
        """As the port says."""
        wanted = set(hashes)
        return [split for split in self._tables.splits if wanted & {*split.one, *split.other}]

    def orders(self, order_keys: Collection[str]) -> Mapping[str, OrderRow]:
        """As the port says."""
        return {key: self._tables.orders[key] for key in order_keys if key in self._tables.orders}

    def facts(self, projection: str, leaves: Collection[str]) -> Mapping[str, bytes]:
        """As the port says."""
        table = self._tables.facts[projection]
        return {leaf: table[leaf][1] for leaf in leaves if leaf in table}

    def save(self, changes: Changes) -> None:
        """As the port says."""
        self._changes.append(changes)
        self.courses.save(changes.course)

    def commit(self) -> None:
        """Write what was kept."""
        tables = self._tables
        tables.seen |= self.seen.new
        self.courses.commit()
        for changes in self._changes:
            tables.identifiers |= changes.identifiers
            tables.edges |= changes.edges
            tables.namings += changes.namings
            tables.splits += changes.splits
            tables.orders |= changes.orders
            for name, facts in changes.facts.items():
                tables.facts[name] |= facts
            for view in changes.views:
                tables.views[view] |= changes.views[view]
                for customer in changes.gone.get(view, ()):
                    tables.views[view].pop(customer, None)
            tables.skipped |= {
                (partition, offset): why for partition, offset, why in changes.skipped
            }
            tables.conflicted |= changes.conflicted
            tables.quarantined |= changes.quarantined
            tables.letters += changes.letters
            tables.outbox += changes.outbox
            tables.regrouped += sorted(changes.regrouped)
            for key, tally in changes.tallies.items():
                before = tables.tallies.get(key, Tally())
                tables.tallies[key] = Tally(*(a + b for a, b in zip(before, tally, strict=True)))
            tables.checkpoints |= changes.advance
