"""Life: a customer's entries, laid out so that any instant of it can be looked at quickly.

Every question takes an instant and looks at nothing after it, so that what is found for a past
instant is what was found then, unless an entry came late.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple, Self

from schemas.rules.alerts_tree import Of
from services.scoring.model import engagement
from services.scoring.model.features import VISITS
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.standing import FOREVER, UNKNOWN, Standing, Standings

BOUGHT: Final = "purchase.completed"
CANCELLED: Final = "purchase.cancelled"
REFUNDED: Final = "purchase.refunded"
CASES: Final = (
    "case.opened", "case.replied", "case.resolved", "case.reopened", "case.closed"
)  # fmt: skip
_AT: Final = itemgetter(0)
TYPES_OF: Final = {
    "purchases": frozenset({BOUGHT, CANCELLED}),
    "visits": VISITS,
    "contact": engagement.ACTS,
}
"""The types of entries that days of each kind come from."""


class Order(NamedTuple):
    """An order as it was reported first."""

    at_s: int
    cancelled_s: int
    """From when on it does not count; never where it was not cancelled."""
    id: str
    value: int
    unit: str


class Wait(NamedTuple):
    """A time in which a case waited for a person of ours."""

    since_s: int
    until_s: int
    """When somebody answered or it was settled; never while it waits."""
    kind: str
    case: str
    id: str
    """The event that began it."""


class Life:
    """What is known of one customer; entries ascending and each once, as histories are kept.

    Making one costs nothing; what a rule asks for first is laid out then.
    """

    def __init__(self, entries: Sequence[Entry], standings: Standings | None = None) -> None:
        self.entries = entries
        self._standings = standings
        self._stood: tuple[int, Standing] = (-FOREVER, UNKNOWN)
        self._known_days: dict[Of, tuple[list[int], list[int]]] = {}

    @classmethod
    def of(cls, entries: Iterable[Entry], standings: Standings | None = None) -> Self:
        """From entries in any order and any number of times."""
        return cls(sorted(set(entries)), standings)

    def standing(self, at_s: int) -> Standing:
        """Stage, tier, value and scores at ``at_s``."""
        if self._standings is None:
            return UNKNOWN
        if self._stood[0] != at_s:
            found = self._standings(at_s)
            if found.due_s <= at_s:
                # Whoever lives on to it would never come past it.
                raise ValueError(f"the standing at {at_s} is due at {found.due_s}, not later")
            self._stood = at_s, found
        return self._stood[1]

    def after(self, at_s: int) -> Sequence[Entry]:
        """The entries later than ``at_s``."""
        return self.entries[bisect_right(self.entries, at_s, key=_AT) :]

    def within(self, types: Collection[str], since_s: int, at_s: int) -> list[Entry]:
        """Entries of these types after ``since_s`` and until ``at_s``, in order."""
        found: list[Entry] = []
        for type_ in types:
            if entries := self._by_type.get(type_):
                begin = bisect_right(entries, since_s, key=_AT)
                found += entries[begin : bisect_right(entries, at_s, key=_AT)]
        return sorted(found) if len(types) > 1 else found

    def last(self, types: Collection[str], at_s: int) -> Entry | None:
        """The latest entry of these types until ``at_s``."""
        found = []
        for type_ in types:
            entries = self._by_type.get(type_, ())
            if place := bisect_right(entries, at_s, key=_AT):
                found.append(entries[place - 1])
        return max(found, default=None)

    def orders(self, since_s: int, at_s: int) -> list[Order]:
        """Orders placed after ``since_s`` and until ``at_s``, and not cancelled by then."""
        orders = self._orders
        begin = bisect_right(orders, since_s, key=_AT)
        found = orders[begin : bisect_right(orders, at_s, key=_AT)]
        return [order for order in found if order.cancelled_s > at_s]

    def newest_days(self, of: Of, at_s: int, most: int) -> list[int]:
        """Up to ``most`` of the newest days of that kind, ascending, since 1970."""
        if of == "purchases" and CANCELLED in self._by_type:
            return self._days_of_orders(at_s, most)
        first_s, days = self._days(of)
        place = bisect_right(first_s, at_s)
        return days[max(0, place - most) : place]

    def _days_of_orders(self, at_s: int, most: int) -> list[int]:
        """Days of purchase where some were cancelled: which count depends on ``at_s``."""
        orders, found = self._orders, [-1]
        for order in reversed(orders[: bisect_right(orders, at_s, key=_AT)]):
            day = order.at_s // DAY_S
            if order.cancelled_s > at_s and found[-1] != day:
                if len(found) > most:
                    break
                found.append(day)
        return found[:0:-1]

    def waits(self, kinds: Collection[str], at_s: int) -> list[Wait]:
        """Cases of these kinds that wait at ``at_s``, the longest first."""
        return [
            wait for wait in self._waits
            if wait.since_s <= at_s < wait.until_s and wait.kind in kinds
        ]  # fmt: skip

    @cached_property
    def _by_type(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            # By index: a name costs twice that, for each of all entries.
            found[entry[1]].append(entry)
        return found

    @cached_property
    def _orders(self) -> list[Order]:
        ends = {entry.about: entry.at_s for entry in reversed(self._by_type.get(CANCELLED, ()))}
        first = {entry[4] or entry[3]: entry for entry in reversed(self._by_type.get(BOUGHT, ()))}
        orders = [
            Order(one[0], ends.get(name, FOREVER), one[3], int(one[5]), one[6])
            for name, one in first.items()
        ]
        orders.sort()
        return orders

    def _days(self, of: Of) -> tuple[list[int], list[int]]:
        """When the first such thing of each day was, and the days."""
        if of not in self._known_days:
            times = {
                "purchases": lambda: (order.at_s for order in self._orders),
                "visits": lambda: (one.at_s for one in self.within(VISITS, -FOREVER, FOREVER)),
                "contact": lambda: (one.at_s for one in self.entries if engagement.is_act(one)),
            }
            first_s: list[int] = []
            days: list[int] = []
            for at_s in times[of]():
                day = at_s // DAY_S
                if not days or days[-1] != day:
                    days.append(day)
                    first_s.append(at_s)
            self._known_days[of] = first_s, days
        return self._known_days[of]

    @cached_property
    def _waits(self) -> list[Wait]:
        cases: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.within(CASES, -FOREVER, FOREVER):
            cases[entry.about].append(entry)
        return sorted(wait for case in cases.values() for wait in _waits(case))


def _waits(case: Sequence[Entry]) -> Iterable[Wait]:
    """When one case waited; what is told of it before it was opened is not looked at."""
    kind, began, is_open = "", None, False
    for entry in case:
        author = entry.unit if entry.type == "case.replied" else ""
        match entry.type:
            case "case.opened" if not kind:
                kind, began, is_open = entry.unit, entry, True
            case "case.reopened" if kind and began is None:
                began, is_open = entry, True
            case "case.replied" if author == "customer" and is_open and began is None:
                began = entry
            case "case.replied" if author == "agent" and began is not None:
                yield Wait(began.at_s, entry.at_s, kind, entry.about, began.id)
                began = None
            case "case.resolved" | "case.closed":
                if began is not None:
                    yield Wait(began.at_s, entry.at_s, kind, entry.about, began.id)
                began, is_open = None, False
    if began is not None:
        yield Wait(began.at_s, FOREVER, kind, began.about, began.id)
