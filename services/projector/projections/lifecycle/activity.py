"""Activity: on which days something happened, of what kinds, and how much was bought."""

from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import sub
from typing import Final, NamedTuple

import msgspec

from services.fold.orders import Settled
from services.fold.projection import Event
from services.projector.projections.lifecycle.days import day_of
from services.projector.projections.lifecycle.kinds import kind_of

LONGEST_GAP: Final = 255
KINDS_BITS: Final = 6
KINDS_MASK: Final = (1 << KINDS_BITS) - 1
BOUGHT_ONCE: Final = 1 << KINDS_BITS
MANY: Final = 3
"""Two bits count a day's purchases; this many say that ``many`` has their number."""


class Activity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Facts of one leaf: two bytes a day, in ascending order, equal for equal facts.

    ``gaps`` are the days since the entry before, 0 for the first; ``values`` hold kinds of activity
    in the lower six bits and purchases in the upper two. An entry of value 0 is no day, but carries
    a gap over 255 days on.
    """

    last: int = 0
    """The newest day; 0 while there is none."""
    gaps: bytes = b""
    values: bytes = b""
    many: tuple[tuple[int, int], ...] = ()
    """Purchases of the days on which there were more than two."""


class Entry(NamedTuple):
    """A day with what happened on it; ``mask`` has the kinds of activity but for purchases."""

    day: int
    mask: int
    purchases: int


INITIAL: Final = Activity()


def evolve(facts: Activity, event: Event) -> Activity:
    """One more event; the same object where it tells nothing new."""
    mask = kind_of(event)
    if not mask:
        return facts
    day, last = day_of(event.recorded.occurred_at), facts.last
    if day == last:
        value = facts.values[-1]
        if value & mask:
            return facts
        return Activity(last, facts.gaps, facts.values[:-1] + bytes((value | mask,)), facts.many)
    if last and 0 < day - last <= LONGEST_GAP:
        return Activity(
            day, facts.gaps + bytes((day - last,)), facts.values + bytes((mask,)), facts.many
        )
    return _changed(facts, day, mask, 0)


def reorder(facts: Activity, before: Settled | None, after: Settled | None) -> Activity:
    """The same with an order counted as ``after`` where it counted as ``before``."""
    taken = day_of(before.occurred_at) if before and not before.is_cancelled else None
    added = day_of(after.occurred_at) if after and not after.is_cancelled else None
    if taken == added:
        return facts
    if taken is not None:
        facts = _changed(facts, taken, 0, -1)
    if added is not None:
        facts = _changed(facts, added, 0, 1)
    return facts


def merge(a: Activity, b: Activity) -> Activity:
    """The facts of two leaves as if they were one."""
    if not a.last or not b.last:
        return a if a.last else b
    ours, theirs = _by_day(a), _by_day(b)
    days, many = ours | theirs, dict(a.many) | dict(b.many)
    bought_ours, bought_theirs = dict(a.many), dict(b.many)
    for day in ours.keys() & theirs.keys():
        one, other = ours[day], theirs[day]
        if one < BOUGHT_ONCE or other < BOUGHT_ONCE:
            # Bought on one of the leaves at most: their purchases are as they are.
            days[day] = one | other
            continue
        purchases = _purchases(one, day, bought_ours) + _purchases(other, day, bought_theirs)
        days[day] = _value((one | other) & KINDS_MASK, day, purchases, many)
    return _packed(days, many)


def entries_of(facts: Activity, since: int = 0) -> Iterable[Entry]:
    """The days from ``since`` on, in ascending order; cheap where these are the last few."""
    last, many = facts.last, dict(facts.many)
    if last < since:
        return ()
    if since <= 0:
        by_day = _by_day(facts)
        if not many:
            return [Entry(day, one & KINDS_MASK, one >> KINDS_BITS) for day, one in by_day.items()]
        return [_entry(day, value, many) for day, value in by_day.items()]
    found, day = [], last
    for value, gap in zip(reversed(facts.values), reversed(facts.gaps), strict=True):
        if day < since:
            break
        if value:
            found.append(_entry(day, value, many))
        day -= gap
    return reversed(found)


def _entry(day: int, value: int, many: dict[int, int]) -> Entry:
    return Entry(day, value & KINDS_MASK, _purchases(value, day, many))


def _purchases(value: int, day: int, many: dict[int, int]) -> int:
    coded = value >> KINDS_BITS
    return many[day] if coded == MANY else coded


def _value(mask: int, day: int, purchases: int, many: dict[int, int]) -> int:
    """A day's value; puts into ``many`` what does not fit, takes out what does."""
    if 0 <= purchases < MANY:
        many.pop(day, None)
        return mask | purchases << KINDS_BITS
    many[day] = purchases
    return mask | MANY << KINDS_BITS


def _changed(facts: Activity, day: int, mask: int, bought: int) -> Activity:
    """The facts with ``mask`` added to a day, and ``bought`` to its purchases."""
    at, nearest = _place(facts, day)
    is_there = nearest == day and at >= 0
    value, many = facts.values[at] if is_there else 0, dict(facts.many)
    if value & mask and not bought:
        return facts
    purchases = bought + _purchases(value, day, many)
    changed = bytes((_value(value & KINDS_MASK | mask, day, purchases, many),))
    gaps, values = facts.gaps, facts.values
    if is_there and changed != b"\0":
        return Activity(facts.last, gaps, values[:at] + changed + values[at + 1 :], _fixed(many))
    if at < 0 or at + 1 == len(values) or not values[at + 1] or changed == b"\0":
        return _packed(_by_day(facts) | {day: changed[0]}, many)
    before = day - nearest
    split = bytes((before, gaps[at + 1] - before))
    return Activity(
        facts.last,
        gaps[: at + 1] + split + gaps[at + 2 :],
        values[: at + 1] + changed + values[at + 1 :],
        _fixed(many),
    )


def _place(facts: Activity, day: int) -> tuple[int, int]:
    """The newest entry that is not after ``day``, and its day; -1 where all are after it."""
    nearest, gaps = facts.last, facts.gaps
    for at in range(len(gaps) - 1, -1, -1):
        if nearest <= day:
            return at, nearest
        nearest -= gaps[at]
    return -1, nearest


def _by_day(facts: Activity) -> dict[int, int]:
    """The days' values, in ascending order."""
    first = facts.last - sum(facts.gaps)
    found = zip((first + gap for gap in accumulate(facts.gaps)), facts.values, strict=True)
    return {day: value for day, value in found if value} if 0 in facts.values else dict(found)


def _packed(days: Mapping[int, int], many: dict[int, int]) -> Activity:
    """The facts of these days; those of value 0 are left out."""
    told = sorted(filter(days.get, days))
    gaps = [0, *map(sub, told[1:], told)] if told else []
    values = [days[day] for day in told]
    for at in range(len(gaps) - 1, 0, -1):
        if gaps[at] > LONGEST_GAP:
            carried, rest = divmod(gaps[at] - 1, LONGEST_GAP)
            gaps[at : at + 1] = [*[LONGEST_GAP] * carried, rest + 1]
            values[at:at] = [0] * carried
    return Activity(told[-1] if told else 0, bytes(gaps), bytes(values), _fixed(many))


def _fixed(many: dict[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(many.items()))
