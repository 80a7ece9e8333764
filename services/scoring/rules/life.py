"""Life: a customer's entries, laid out so that any instant of it can be looked at quickly.

Every question takes an instant and looks at nothing after it, so that what is found for a past
instant is what was found then, unless an entry came late.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple, Self

from schemas.rules.alerts_tree import Of
from services.scoring.model import engagement
from services.scoring.model.features import VISITS
from services.scoring.model.history import DAY_S, Entry
from services.scoring.rules.days import Laid
from services.scoring.rules.standing import FOREVER, UNKNOWN, Standing, Standings

BOUGHT: Final = "purchase.completed"
CANCELLED: Final = "purchase.cancelled"
REFUNDED: Final = "purchase.refunded"
CASES: Final = (
    "case.opened", "case.replied", "case.resolved", "case.reopened", "case.closed"
)  # fmt: skip
_AT: Final = itemgetter(0)
_TAKEN: Final = itemgetter(5, 0, 6)
_MONEY: Final = frozenset({BOUGHT, REFUNDED})
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
        self._one_since_s = FOREVER
        self.laid: dict[str, Laid | None] = {}
        """What a condition laid out by day, and looks into again and again."""

    @classmethod
    def of(cls, entries: Iterable[Entry], standings: Standings | None = None) -> Self:
        """From entries in any order and any number of times."""
        return cls(sorted(set(entries)), standings)

    def standing(self, at_s: int) -> Standing:
        """Value and scores at ``at_s``."""
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

    def decided(self, type_: str, at_s: int) -> Entry | None:
        """Of the decisions of this type that count by ``at_s`` the one that was taken last."""
        entries = self._by_type.get(type_, ())
        return max(entries[: bisect_right(entries, at_s, key=_AT)], key=_TAKEN, default=None)

    def orders(self, since_s: int, at_s: int) -> list[Order]:
        """Orders placed after ``since_s`` and until ``at_s``, and not cancelled by then."""
        placed, ends = self._placed, self._ends
        begin = bisect_right(placed, since_s, key=_AT)
        return [
            Order(one[0], ends.get(one[4] or one[3], FOREVER), one[3], int(one[5]), one[6])
            for one in placed[begin : bisect_right(placed, at_s, key=_AT)]
            if ends.get(one[4] or one[3], FOREVER) > at_s
        ]

    def newest_days(self, of: Of, at_s: int, most: int, after_day: int = -1) -> list[int]:
        """Up to ``most`` of the newest days of that kind after ``after_day``, ascending."""
        found: list[int] = []
        entries = self._placed if of == "purchases" else self.entries
        counts = {"purchases": self._stands, "visits": _is_visit, "contact": _is_act}[of]
        # From the end: most of a long life is never looked at again.
        place = bisect_right(entries, at_s, key=_AT)
        while place and len(found) < most:
            place -= 1
            entry = entries[place]
            day = entry[0] // DAY_S
            if day <= after_day:
                break
            if counts(entry, at_s):
                found.append(day)
                # One entry makes a day, of however many it has.
                place = bisect_left(entries, day * DAY_S, hi=place, key=_AT)
        found.reverse()
        return found

    def _stands(self, entry: Entry, at_s: int) -> bool:
        return not self._ends or self._ends.get(entry[4] or entry[3], FOREVER) > at_s

    def waits(self, kinds: Collection[str], at_s: int) -> list[Wait]:
        """Cases of these kinds that wait at ``at_s``, the longest first."""
        return [
            wait for wait in self._waits
            if wait.since_s <= at_s < wait.until_s and wait.kind in kinds
        ]  # fmt: skip

    def has_one_currency(self, since_s: int, at_s: int) -> bool:
        """Whether all was paid in the same one that was bought or given back then."""
        if since_s < self._one_since_s:
            if self._has_one(since_s, FOREVER):
                # Nor has any part of that time another: it need not be looked at again.
                self._one_since_s = since_s
            else:
                return self._has_one(since_s, at_s)
        return True

    def _has_one(self, since_s: int, at_s: int) -> bool:
        begin = bisect_right(self.entries, since_s, key=_AT)
        money = self.entries[begin : bisect_right(self.entries, at_s, key=_AT)]
        return len({entry[6] for entry in money if entry[1] in _MONEY}) < 2

    @cached_property
    def _by_type(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            # By index: a name costs twice that, for each of all entries.
            found[entry[1]].append(entry)
        return found

    @cached_property
    def _placed(self) -> list[Entry]:
        """Purchases, each order as it was reported first."""
        bought = self._by_type.get(BOUGHT, [])
        first = {entry[4] or entry[3]: entry for entry in reversed(bought)}
        return bought if len(first) == len(bought) else sorted(first.values())

    @cached_property
    def _ends(self) -> dict[str, int]:
        """When orders were cancelled."""
        return {entry.about: entry.at_s for entry in reversed(self._by_type.get(CANCELLED, ()))}

    @cached_property
    def _waits(self) -> list[Wait]:
        cases: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.within(CASES, -FOREVER, FOREVER):
            cases[entry.about].append(entry)
        return sorted(wait for case in cases.values() for wait in _waits(case))


def _is_visit(entry: Entry, _: int) -> bool:
    return entry[1] in VISITS


def _is_act(entry: Entry, _: int) -> bool:
    return engagement.is_act(entry)


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
