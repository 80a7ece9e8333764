"""The work: events of skewed customers, some told again, and what is right once they are folded."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

PARTITIONS: Final = 4
POINT_MINOR: Final = 100
"""What one point is given for, rounded down."""
_START_MS: Final = 1_767_225_600_000


class Event(NamedTuple):
    """A purchase."""

    id: str
    """A UUID's 32 hex digits."""
    customer: str
    occurred_ms: int
    amount_minor: int

    @property
    def partition(self) -> int:
        """A customer's events rest in one."""
        return int(self.customer.removeprefix("user:")) % PARTITIONS

    def payload(self) -> bytes:
        """As JSON, about 190 bytes."""
        return (
            f'{{"id":"{self.id}","source":"shop","type":"purchase.completed",'
            f'"occurred_ms":{self.occurred_ms},"customer":"{self.customer}",'
            f'"amount_minor":{self.amount_minor},"currency":"EUR","channel":"web"}}'
        ).encode()


class Profile(NamedTuple):
    """What there is of a customer."""

    events: int
    spend_minor: int
    last_ms: int


class Line(NamedTuple):
    """Of the points ledger, one an event."""

    customer: str
    points: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What has to be there once all events were folded, each once."""

    profiles: Mapping[str, Profile]
    ledger: Mapping[str, Line]
    """By event."""


def made(count: int, customers: int, repeated: float, seed: int = 1) -> Sequence[Event]:
    """``count`` events, half of them of few customers; a share of them are told a second time."""
    return [*_made(count, customers, repeated, random.Random(seed))]


def truth(events: Sequence[Event]) -> Truth:
    """Folded here and now, one after the other."""
    profiles: dict[str, Profile] = {}
    ledger: dict[str, Line] = {}
    for event in events:
        if event.id in ledger:
            continue
        ledger[event.id] = Line(event.customer, event.amount_minor // POINT_MINOR)
        before = profiles.get(event.customer, Profile(0, 0, 0))
        profiles[event.customer] = Profile(
            before.events + 1,
            before.spend_minor + event.amount_minor,
            max(before.last_ms, event.occurred_ms),
        )
    return Truth(profiles, ledger)


def _made(count: int, customers: int, repeated: float, chance: random.Random) -> Iterator[Event]:
    told: list[Event] = []
    for number in range(count):
        if told and chance.random() < repeated:
            yield chance.choice(told)
            continue
        is_regular = chance.random() < 0.5
        who = int(chance.paretovariate(0.6)) if is_regular else chance.randrange(customers)
        event = Event(
            f"{chance.getrandbits(128):032x}",
            f"user:{min(who, customers)}",
            _START_MS + number * 10 - chance.randrange(60_000),
            chance.randrange(100, 20_000),
        )
        told.append(event)
        yield event
