"""Settlements: what the events of a batch tell of orders, and whose facts that changes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from schemas.envelope import Recorded
from services.fold.orders import Order, Settled, settle, tell
from services.store.port import OrderRow, Transaction

Settlement: TypeAlias = tuple[Settled | None, Settled | None]
"""What an order counted as for a leaf, and what it counts as now."""
_UNTOLD = Order()
_DECODER = msgspec.msgpack.Decoder(Order)
_ENCODER = msgspec.msgpack.Encoder()


@dataclass(slots=True)
class Settlements:
    """The orders that were told of, and each owning leaf's settlements that changed."""

    orders: dict[str, OrderRow] = field(default_factory=dict)
    by_leaf: dict[str, list[Settlement]] = field(default_factory=lambda: defaultdict(list))
    told: list[tuple[Order, Order]] = field(default_factory=list)
    """Each order as it was, and as it is now."""

    def owners(self) -> set[str]:
        """The leaves whose orders were told of, though they may count as before."""
        return {
            owner for orders in self.told for order in orders if (owner := order.owner) is not None
        }


def read_order(row: OrderRow) -> Order:
    """All that was told of the order in ``row``."""
    return _DECODER.decode(row.facts)


def settle_orders(by_order: Mapping[str, Sequence[Recorded[Any]]], tx: Transaction) -> Settlements:
    """Tell each order what the batch says of it."""
    done = Settlements()
    stored = tx.orders(by_order) if by_order else {}
    for key, events in by_order.items():
        order = before = read_order(stored[key]) if key in stored else _UNTOLD
        for event in events:
            order = tell(order, event)
        first = events[0]
        named = key, first.workspace, first.data.order_id
        done.orders[key] = OrderRow(*named, _ENCODER.encode(order), order.owner)
        done.told.append((before, order))
        _settle(settle(before), settle(order), done.by_leaf)
    return done


def _settle(
    before: Settled | None, after: Settled | None, by_leaf: dict[str, list[Settlement]]
) -> None:
    if before == after:
        return
    if before and after and before.leaf == after.leaf:
        by_leaf[after.leaf].append((before, after))
        return
    if before:
        by_leaf[before.leaf].append((before, None))
    if after:
        by_leaf[after.leaf].append((None, after))
