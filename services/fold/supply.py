"""Supplies: where courses get their entries from, of a batch and of all time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec

from schemas import EventVoided
from services.fold.orders import Order
from services.fold.project import Projected
from services.fold.projection import Event
from services.fold.settlements import Settlements, read_order
from services.fold.source import FactsSource, LedgerSource
from services.store.course import LedgerRow
from services.store.port import Transaction


class FactsSupply:
    """Entries of customers whose facts were loaded for the batch."""

    def __init__(self, source: FactsSource, projected: Projected) -> None:
        self._source, self._projected = source, projected

    def fresh(self, leaves: Sequence[str]) -> Sequence[Any] | None:
        """As ``Supply`` says."""
        before, after = self._projected.before, self._projected.after
        initial = self._source.projection.initial
        # An event that tells nothing new leaves the facts the very ones that they were.
        grown = {
            leaf: (was, now)
            for leaf in leaves
            if (now := after.get(leaf)) is not None
            and now is not (was := before.get(leaf, initial))
        }
        if not grown:
            return ()
        others = [
            facts
            for leaf in leaves
            if leaf not in grown and (facts := before.get(leaf)) is not None
        ]
        return self._source.tail([*grown.values()], others)

    def all(self, customers: Mapping[str, Sequence[str]]) -> Mapping[str, Iterable[Any]]:
        """As ``Supply`` says."""
        return {
            customer: self._source.entries_of(self._merged(self._now(leaves)))
            for customer, leaves in customers.items()
        }

    def _now(self, leaves: Sequence[str]) -> list[Any]:
        before, after = self._projected.before, self._projected.after
        return [
            after[leaf] if leaf in after else before[leaf]
            for leaf in leaves
            if leaf in after or leaf in before
        ]

    def _merged(self, facts: Sequence[Any]) -> Any:
        projection = self._source.projection
        return reduce(projection.merge, facts) if facts else projection.initial


class LedgerSupply:
    """Entries of customers, read from the store where a batch's own are not enough."""

    def __init__(
        self,
        source: LedgerSource,
        settlements: Settlements,
        events: Mapping[str, Sequence[Event]],
        tx: Transaction,
    ) -> None:
        self._source, self._settlements, self._tx = source, settlements, tx
        self._fresh: dict[str, list[Any]] = defaultdict(list)
        self._shaken: set[str] = set()
        self.rows: list[LedgerRow] = []
        """To be stored."""
        for before, after in settlements.told:
            self._take_order(before, after)
        if events:
            self._take_entries(events)

    def fresh(self, leaves: Sequence[str]) -> Sequence[Any] | None:
        """As ``Supply`` says."""
        if self._shaken and not self._shaken.isdisjoint(leaves):
            return None
        found = [entry for leaf in leaves for entry in self._fresh.get(leaf, ())]
        return sorted(found, key=self._source.key) if len(found) > 1 else found

    def all(self, customers: Mapping[str, Sequence[str]]) -> Mapping[str, Iterable[Any]]:
        """As ``Supply`` says."""
        every = {leaf for leaves in customers.values() for leaf in leaves}
        by_leaf: dict[str, list[Any]] = defaultdict(list)
        rows = self._tx.courses.ledger(every)
        for leaf, entry in standing(self._source, [*rows, *self.rows]):
            by_leaf[leaf].append(entry)
        told = self._settlements.orders
        orders = [row for row in self._tx.courses.orders_of(every) if row.order_key not in told]
        for row in [*orders, *told.values()]:
            if row.leaf in every:
                by_leaf[row.leaf] += self._source.entries_of(read_order(row))
        return {
            customer: sorted(
                (entry for leaf in leaves for entry in by_leaf[leaf]), key=self._source.key
            )
            for customer, leaves in customers.items()
        }

    def _take_order(self, before: Order, after: Order) -> None:
        was, now = before.owner, after.owner
        former = self._source.entries_of(before) if was else ()
        latter = self._source.entries_of(after) if now else ()
        if was and (was != now or any(entry not in latter for entry in former)):
            self._shaken.add(was)
        if now:
            self._fresh[now] += [entry for entry in latter if was != now or entry not in former]

    def _take_entries(self, events: Mapping[str, Sequence[Event]]) -> None:
        voided = self._tx.courses.voided(events)
        for leaf, told in events.items():
            for event in told:
                recorded, data = event.recorded, event.data
                if isinstance(data, EventVoided):
                    self._shaken.add(leaf)
                    named = leaf, data.event_source, data.event_id, True
                    row = LedgerRow(*named, recorded.workspace, data.event_type, b"")
                    self.rows.append(row)
                elif (entry := self._source.entry_of(event)) is not None:
                    named = leaf, recorded.source, recorded.id, False
                    body = _ENCODER.encode(entry)
                    self.rows.append(LedgerRow(*named, recorded.workspace, recorded.type, body))
                    if named[:3] not in voided:
                        self._fresh[leaf].append(entry)


def standing(source: LedgerSource, rows: Iterable[LedgerRow]) -> list[tuple[str, Any]]:
    """The entries of ``rows`` that were not taken back, with their leaves."""
    rows = list(rows)
    voided = {row[:3] for row in rows if row.is_void}
    decode = msgspec.msgpack.Decoder(source.entry).decode
    return [
        (row.leaf, decode(row.entry)) for row in rows if not row.is_void and row[:3] not in voided
    ]


def entries_in(
    source: LedgerSource, rows: Iterable[LedgerRow], orders: Iterable[bytes]
) -> list[Any]:
    """All entries of one customer, in order, as the store has their ledger and their orders."""
    entries = [entry for _, entry in standing(source, rows)]
    for facts in orders:
        entries += source.entries_of(_ORDER.decode(facts))
    return sorted(entries, key=source.key)


_ORDER = msgspec.msgpack.Decoder(Order)
_ENCODER = msgspec.msgpack.Encoder(order="sorted")
