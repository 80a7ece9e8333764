"""Looks: what a condition says at an instant, and how several are taken together."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from services.scoring.model.history import Entry
from services.scoring.rules.life import Life
from services.scoring.rules.standing import FOREVER

Fact: TypeAlias = str | int | float
Facts: TypeAlias = Mapping[str, Fact]
MOST_EVENTS: Final = 20
"""The newest of those behind an alert; a person reads no more."""


class Evidence(NamedTuple):
    """Why: values beside their thresholds, and the ids of events behind them."""

    facts: Facts = MappingProxyType({})
    events: tuple[str, ...] = ()


class Look(NamedTuple):
    """Whether a condition holds at an instant, and until when that is sure.

    ``due_s`` is the earliest later instant at which time alone may change the answer.
    """

    holds: bool
    due_s: int = FOREVER


Looks: TypeAlias = Callable[[Life, int], Look]
"""Looks at a life at an instant, in seconds since 1970."""


Postpones: TypeAlias = Callable[[Life, Entry, int], bool]
"""Whether an entry can neither begin an episode nor let one begin before what is due: then nobody
need look at the life before that."""


def never(life: Life, entry: Entry, due_s: int) -> bool:  # noqa: ARG001 - as the type asks
    """Every entry is looked at."""
    return False


class Condition(NamedTuple):
    """A condition made ready."""

    name: str
    types: frozenset[str] | None
    """The types of entries that may change it; None: any, since it asks for the standing."""
    enters: Looks
    """Whether an episode may begin."""
    stays: Looks
    """Whether one that began goes on; holds wherever ``enters`` does."""
    tell: Callable[[Life, int], Evidence]
    """Why; asked where it holds."""
    postpones: Postpones = never
    """Of an entry before the instant at which it is due, while it does not hold."""
    least: int = 1
    """With fewer entries of these types it can't hold, whatever the time."""


def some_of(at_least: int, looks: Sequence[Looks]) -> Looks:
    """Whether at least so many hold; asks no more of them than it takes to know."""
    if len(looks) == at_least == 1:
        return looks[0]
    may_fail = len(looks) - at_least

    def look(life: Life, at_s: int) -> Look:
        held: list[int] = []
        failed: list[int] = []
        for one in looks:
            holds, due_s = one(life, at_s)
            (held if holds else failed).append(due_s)
            if len(failed) > may_fail:
                # As long as all of these fail, the others can't make it hold.
                return Look(holds=False, due_s=min(failed))
        return Look(holds=True, due_s=min(held + failed))

    return look


def told_of(
    conditions: Sequence[Condition], looks: Sequence[Looks], life: Life, at_s: int
) -> Evidence:
    """The evidence of those conditions that hold by ``looks``; facts are ``condition.fact``."""
    facts: dict[str, Fact] = {}
    events: dict[str, None] = {}
    for condition, look, name in zip(conditions, looks, named(conditions), strict=True):
        if look(life, at_s).holds:
            told = condition.tell(life, at_s)
            facts |= {f"{name}.{key}": fact for key, fact in told.facts.items()}
            events |= dict.fromkeys(told.events)
    return Evidence(facts, tuple(events)[-MOST_EVENTS:])


def named(conditions: Sequence[Condition]) -> list[str]:
    """Their names, numbered from the second of a name on."""
    seen: dict[str, int] = {}
    found = []
    for condition in conditions:
        seen[condition.name] = number = seen.get(condition.name, 0) + 1
        found.append(condition.name if number == 1 else f"{condition.name}_{number}")
    return found


def all_types(conditions: Sequence[Condition]) -> frozenset[str] | None:
    """The types of entries that may change any of them; None for any type."""
    found: frozenset[str] = frozenset()
    for condition in conditions:
        if condition.types is None:
            return None
        found |= condition.types
    return found
