"""Lives, as days on which something happened."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from schemas.rules.lifecycle import default_machines
from schemas.rules.lifecycle_tree import (
    KINDS,
    Active,
    Kind,
    Lifecycle,
    Purchases,
    Returned,
    Rhythm,
    Silent,
    Stage,
)
from services.projector.projections.lifecycle import Book, Entry, begin, path, post, settle
from services.projector.projections.lifecycle.book import Versions
from services.projector.projections.lifecycle.days import day_of, start_of

BEGINNING: Final = day_of(datetime(2023, 12, 1, tzinfo=UTC))
"""Near the end of a year, and before a leap day."""
BITS: Final[Mapping[Kind, int]] = {kind: 1 << number for number, kind in enumerate(KINDS)}
DEFAULTS: Final = Book({name: [(None, 1, rules)] for name, rules in default_machines().items()})


class Life:
    """A customer, told day by day."""

    def __init__(self, book: Book = DEFAULTS) -> None:
        self._book = book
        self._entries: dict[int, Entry] = {}

    def on(self, day: str, *kinds: Kind, orders: int = 0) -> "Life":
        """What happened on a day."""
        number = day_of(instant(day))
        told = self._entries.get(number, Entry(number, 0, 0))
        mask = sum({BITS[kind] for kind in kinds})
        self._entries[number] = Entry(number, told.mask | mask, told.purchases + orders)
        return self

    def bought(self, *days: str, orders: int = 1) -> "Life":
        """A purchase on each of these days."""
        for day in days:
            self.on(day, "known", orders=orders)
        return self

    @property
    def entries(self) -> list[Entry]:
        """The days in order."""
        return [self._entries[day] for day in sorted(self._entries)]

    def row(self, at: str) -> dict[str, Any]:
        """The customer's row at the end of a day, with nothing known of what happened later."""
        state = begin()
        for entry in self.entries:
            if entry.day <= day_of(instant(at)):
                post(state, entry, self._book)
        return settle(state, instant(at), self._book)

    def stage(self, at: str, machine: str = "default") -> str:
        """The stage at the end of a day."""
        return str(self.row(at)["stages"][machine]["stage"])

    def path(self, until: str, machine: str = "default") -> list[tuple[str, str]]:
        """The stages and since when, up to a day."""
        moves = path(self.entries, self._book, instant(until))
        return [(str(one.from_date), one.stage) for one in moves if one.machine == machine]


def instant(day: str) -> datetime:
    """The beginning of a day in UTC, or a time of it."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


MASKS = st.sampled_from([*(1 << number for number in range(6)), 0, 0, 9, 36])
ORDERS = st.sampled_from([0, 0, 0, 1, 1, 1, 2, 3, 5])
GAPS = st.integers(1, 12) | st.sampled_from([1, 7, 7, 30, 60, 61, 200, 256, 400, 600])
KIND_SETS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True).map(tuple)
DAYS = st.integers(1, 40)
PERCENTS = st.sampled_from([1, 50, 100, 150, 300])
COUNTS = [(1, None), (2, None), (3, None), (None, 0), (None, 2), (1, 2), (2, 2), (3, 4)]
LETTERS = ["a", "b", "c", "d", "e"]


@st.composite
def lives(draw: st.DrawFn, fewest: int = 0) -> list[Entry]:
    """Days on which something happened, in order."""
    day, entries = BEGINNING, list[Entry]()
    for gap in draw(st.lists(GAPS, min_size=fewest, max_size=14)):
        day += gap
        mask, orders = draw(MASKS), draw(ORDERS)
        entries.append(Entry(day, mask if mask or orders else 1, orders))
    return entries


def _either(**sides: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, int]]:
    """One of these."""
    return st.one_of(*(st.builds(dict, **{name: side}) for name, side in sides.items()))


PURCHASES = st.builds(
    lambda numbers, within, counted: Purchases(within_days=within, counted=counted, **numbers),
    st.sampled_from(
        [(1, None), (2, None), (3, None), (None, 0), (None, 2), (1, 2), (2, 2), (3, 4)]
    ).map(lambda pair: {"at_least": pair[0], "at_most": pair[1]}),
    st.none() | DAYS,
    st.sampled_from(["orders", "days"]),
)
ACTIVE = st.builds(
    lambda kinds, window, after: Active(kinds=kinds, after_purchase=after, **window),
    KIND_SETS,
    st.just({}) | _either(within_days=DAYS, within_rhythm_percent=PERCENTS),
    st.booleans(),
)
SILENT = st.builds(
    lambda kinds, length: Silent(kinds=kinds, **length),
    st.just(("bought",)) | KIND_SETS,
    _either(days=DAYS, rhythm_percent=PERCENTS),
)
RETURNED = st.builds(
    Returned,
    after=st.sampled_from(LETTERS[:4]),
    within_days=st.none() | DAYS,
    at_most_orders=st.none() | st.integers(1, 4),
)
RHYTHMS = st.builds(
    lambda low, more, none: Rhythm(min_days=low, max_days=low + more, fallback_days=low + none),
    st.integers(1, 10),
    st.integers(0, 60),
    st.integers(0, 5),
)


@st.composite
def machines(draw: st.DrawFn) -> Lifecycle:
    """Machines of up to five stages, sensible or not; the last takes everybody."""
    stages = [
        Stage(
            name=name,
            purchases=tuple(draw(st.lists(PURCHASES, max_size=1))),
            active=tuple(draw(st.lists(ACTIVE, max_size=1))),
            silent=tuple(draw(st.lists(SILENT, max_size=1))),
            returned=draw(st.none() | RETURNED),
        )
        for name in draw(st.permutations(LETTERS))[: draw(st.integers(1, 4))]
    ]
    rest = next(name for name in LETTERS if name not in {stage.name for stage in stages})
    return Lifecycle(rhythm=draw(RHYTHMS), stages=(*stages, Stage(name=rest)))


MACHINES = st.sampled_from([*default_machines().values()]) | machines()


@st.composite
def versions(draw: st.DrawFn) -> Versions:
    """Up to three versions of a machine, from the beginning or from a time on."""
    starts = st.none() | st.integers(-24, 24 * 200).map(
        lambda hours: start_of(BEGINNING) + timedelta(hours=hours)
    )
    found = draw(st.lists(st.tuples(starts, MACHINES), min_size=1, max_size=3))
    return [(start, number, rules) for number, (start, rules) in enumerate(found, 1)]


BOOKS = st.dictionaries(st.sampled_from(["default", "other"]), versions(), min_size=1)
