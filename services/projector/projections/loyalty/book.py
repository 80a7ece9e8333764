"""The book: a workspace's loyalty rules and time zones, each with when they apply."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

from schemas.rules.loyalty import Earn, Expiry, Loyalty, Span
from services.projector.projections.loyalty.instants import (
    BEGINNING,
    DAY,
    NEVER,
    instant,
    micros,
)
from services.projector.projections.loyalty.wall import Wall, wall_in

T = TypeVar("T")
_NO_SPAN: Final = Span()
_NO_EXPIRY: Final = Expiry()


class Level(NamedTuple):
    """A tier as folds need it."""

    name: str
    threshold: int


@dataclass(frozen=True, slots=True, eq=False)
class Era:
    """A stretch of time with one policy and one time zone."""

    start: int
    end: int
    """The first instant that is out; ``NEVER`` if the era lasts."""
    policy: Loyalty | None
    """None while there is no programme: points are kept and none are earned."""
    version: int
    """The policy's; 0 while there is none."""
    wall: Wall
    earn: Mapping[str, tuple[Earn, ...]]
    """The rules for orders, by currency."""
    levels: tuple[Level, ...]
    """From the highest threshold to the lowest."""
    percents: Mapping[str, int]
    """What each multiplies points of purchases by."""
    qualifying: frozenset[str]
    """Kinds of entries whose points count for tiers."""
    window: Span
    grace: Span
    expiry: Expiry
    notice: int
    """In microseconds."""


class Book:
    """What applied when: the policies and zones in effect at each instant.

    A policy holds from its ``effective_at`` (None: from the beginning) until the next one's; of
    two from the same instant on the higher version holds, of two zones the later in the list.
    """

    def __init__(
        self,
        policies: Sequence[tuple[datetime | None, int, Loyalty]] = (),
        zones: Sequence[tuple[datetime | None, str]] = (),
    ) -> None:
        ordered = sorted(policies, key=lambda one: (_start(one[0]), one[1]))
        ruled = _Timeline([(_start(at), (policy, version)) for at, version, policy in ordered])
        zoned = _Timeline([(_start(at), name) for at, name in zones])
        self._starts = sorted({BEGINNING, *ruled.starts, *zoned.starts})
        ends = [*self._starts[1:], NEVER]
        self._eras = [
            _era(start, end, ruled.at(start), zoned.at(start) or "UTC")
            for start, end in zip(self._starts, ends, strict=True)
        ]

    def era(self, at: int) -> Era:
        """The era that the instant of so many microseconds is in."""
        if len(self._eras) == 1:
            return self._eras[0]
        return self._eras[bisect_right(self._starts, at) - 1]

    def at(self, instant_: datetime) -> Loyalty | None:
        """The policy in force then."""
        return self.era(micros(instant_)).policy

    def version_at(self, instant_: datetime) -> int:
        """Its version; 0 while there is none."""
        return self.era(micros(instant_)).version

    def next_change(self, after: datetime) -> datetime | None:
        """The first instant after ``after`` at which another policy or zone applies."""
        end = self.era(micros(after)).end
        return None if end == NEVER else instant(end)


class _Timeline(Generic[T]):
    """Values, each from an instant on until the next."""

    def __init__(self, values: Sequence[tuple[int, T]]) -> None:
        by_start = dict(sorted(values, key=lambda one: one[0]))
        self.starts = list(by_start)
        self._values = list(by_start.values())

    def at(self, at: int) -> T | None:
        found = bisect_right(self.starts, at)
        return self._values[found - 1] if found else None


def _start(effective_at: datetime | None) -> int:
    return BEGINNING if effective_at is None else micros(effective_at)


def _era(start: int, end: int, ruled: tuple[Loyalty, int] | None, zone: str) -> Era:
    policy, version = ruled or (None, 0)
    tiers = policy.tiers if policy else None
    levels = tiers.levels if tiers else ()
    earn: dict[str, tuple[Earn, ...]] = {}
    for rule in policy.earn if policy else ():
        earn[rule.currency] = (*earn.get(rule.currency, ()), rule)
    return Era(
        start,
        end,
        policy,
        version,
        wall_in(zone),
        earn,
        tuple(Level(one.name, one.threshold) for one in reversed(levels)),
        {one.name: one.percent for one in levels},
        frozenset(tiers.qualifying) if tiers else frozenset(),
        tiers.window if tiers else _NO_SPAN,
        tiers.grace if tiers else _NO_SPAN,
        policy.expiry if policy else _NO_EXPIRY,
        (policy.notice_days if policy else 0) * DAY,
    )
