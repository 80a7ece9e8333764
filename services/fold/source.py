"""Sources: what a course's entries are made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from services.fold.orders import Order
from services.fold.projection import AnyProjection, Event


@dataclass(frozen=True, slots=True)
class FactsSource:
    """Entries that are read off the facts of a projection."""

    projection: AnyProjection
    tail: Callable[[Sequence[tuple[Any, Any]], Sequence[Any]], Sequence[Any] | None]
    """The entries from the first that is new, of leaves' (former, latter) facts and of further
    leaves' facts together; None where an older one is gone or differs."""
    entries_of: Callable[[Any], Iterable[Any]]
    """All entries of facts, in order."""


@dataclass(frozen=True, slots=True)
class LedgerSource:
    """Entries that are those of orders, and of events that change a balance by themselves."""

    entry: type[Any]
    key: Callable[[Any], Any]
    """Its place in the canonical order."""
    entries_of: Callable[[Order], Sequence[Any]]
    """Those of an order, for the leaf that owns it."""
    entry_of: Callable[[Event], Any | None]


Source: TypeAlias = FactsSource | LedgerSource
