"""Folds tested by replay: what was told, and the rows that came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.fold.orders import Order, Report, Settled, order_key, settle
from services.projector.projections.profile import PROFILE
from tests.histories import WORKSPACE, History, Step, fold

ADA = "user:ada"
_ORDER = msgspec.msgpack.Decoder(Order)


def bought(order_id: str, amount_minor: int, *named: str, **more: Any) -> Step:
    """A purchase of Ada's, unless others are named."""
    return Step("bought", (order_id, amount_minor), named or (ADA,), more)


def refunded(order_id: str, amount_minor: int, *named: str, **more: Any) -> Step:
    """A refund of it."""
    return Step("refunded", (order_id, amount_minor), named or (ADA,), more)


def cancelled(order_id: str, *named: str, **more: Any) -> Step:
    """Its cancellation."""
    return Step("cancelled", (order_id,), named or (ADA,), more)


def called(*named: str, **more: Any) -> Step:
    """A call."""
    return Step("called", (), named or (ADA,), more)


def described(*named: str, at: float = 0, source: str = "test", **traits: Any) -> Step:
    """Traits; None unsets one."""
    return Step("described", (traits,), named or (ADA,), {"at": at, "source": source})


COLUMNS = PROFILE.view.columns if PROFILE.view else ()


class Replayed:
    """The rows of what was told, one event a batch."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._history = History(steps=steps)
        self._tables = fold(self._history.events, self._history.vault, batches=[1]).tables

    def customer(self, name: str = ADA) -> Mapping[str, Any]:
        """The row of the customer who goes by ``name``; empty where there is none."""
        identifier = self._tables.identifiers.get(self._history.hash(name))
        row = identifier and self._tables.views["customer"].get(identifier.customer_id)
        return dict(zip(("workspace", *COLUMNS), row, strict=True)) if row else {}

    def traits(self, name: str = ADA) -> dict[str, object]:
        """The customer's traits, without where they are from."""
        return {trait: told[0] for trait, told in self.customer(name)["traits"].items()}

    def order(self, order_id: str) -> Order:
        """All that is kept of an order."""
        return _ORDER.decode(self._tables.orders[order_key(WORKSPACE, order_id)].facts)

    def counted(self, order_id: str) -> Settled | None:
        """What an order counts as."""
        return settle(self.order(order_id))

    def owner(self, order_id: str) -> str:
        """Who of those named owns an order."""
        counted = self.counted(order_id)
        return self._name(counted.leaf) if counted else ""

    def reports(self, reports: Sequence[Report]) -> list[tuple[str, int]]:
        """Whose they are, and how much they say."""
        return [(self._name(report.leaf), report.amount_minor) for report in reports]

    def _name(self, hashed: str) -> str:
        row = self._tables.identifiers[hashed]
        return f"{row.kind}:{row.value}"


def given(*steps: Step) -> Replayed:
    """What came of ``steps``, told in this order."""
    return Replayed(steps)
