"""A live feed: touches of households that a sample knows, for as long as somebody watches.

Everything is simulated and says so by its source; purchases get order ids that no sample has.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count, islice
from random import Random
from threading import Event as Stop
from typing import Final

from services.clock import Clock
from services.errors import Unavailable
from services.ingest.samples.event import Event, Value, encode
from services.ingest.samples.occasion import Occasion
from services.ingest.samples.people import SEED, person
from services.ingest.samples.service import contact, raised
from services.ingest.samples.shift import Shift
from services.ingest.samples.touches import feedback, visit

SOURCE: Final = "simulated-live"
HOUSEHOLDS: Final = 2500
"""The Complete Journey numbers its households from 1 to this."""
STEP_S: Final = 0.25
"""Events are sent in four batches a second, as a producer that buffers would."""
STORES: Final = ("311", "330", "367", "372", "406")
CATEGORIES: Final = (
    "BREAD",
    "FLUID MILK PRODUCTS",
    "CHEESE",
    "SOFT DRINKS",
    "COFFEE",
    "FRUIT",
    "FROZEN PIZZA",
)


def feed(
    started_at: datetime, *, seed: int = SEED, households: Sequence[int] = ()
) -> Iterator[Event]:
    """Touches without end, the same for a seed and a start; sending gives each its time."""
    random = Random(f"live {seed} {started_at.isoformat()}")
    known = households or range(1, HOUSEHOLDS + 1)
    for number in count():
        household = random.choice(known)
        key = f"live-{started_at:%Y%m%d%H%M%S}-{number}"
        occasion = Occasion(key, 0, person(household, seed), random, store_id=random.choice(STORES))
        yield next(iter(_touch(occasion)))._replace(source=SOURCE)


def _touch(occasion: Occasion) -> Iterable[Event]:
    kind = occasion.random.choices(KINDS, WEIGHTS)[0]
    return kind(occasion)


def _purchase(occasion: Occasion) -> Iterator[Event]:
    random = occasion.random
    lines: list[dict[str, str | int]] = [
        {
            "sku": f"live-{random.randint(1, 400)}",
            "quantity": random.choice((1, 1, 1, 2)),
            "amount_minor": random.randint(79, 1499),
            "category": random.choice(CATEGORIES),
        }
        for _ in range(random.randint(1, 8))
    ]
    data: dict[str, Value] = {
        "order_id": occasion.key,
        "amount_minor": sum(int(line["amount_minor"]) for line in lines),
        "currency": "USD",
        "lines": lines,
        "channel": "store",
    }
    who = (occasion.person.user,)
    yield occasion.touch("purchase.completed", 0, who, data, name="purchase", source="live")


def _contact(occasion: Occasion) -> Iterator[Event]:
    yield contact(occasion, raised(occasion, 0, is_complaint=occasion.happens(0.4)))


def _feedback(occasion: Occasion) -> Iterator[Event]:
    told = feedback(occasion)
    yield told._replace(
        data={name: value for name, value in told.data.items() if name != "order_id"}
    )


KINDS: Final[Sequence[Callable[[Occasion], Iterable[Event]]]] = (
    visit,
    _purchase,
    _contact,
    _feedback,
)
WEIGHTS: Final = (50, 30, 12, 8)


def run(
    events: Iterator[Event],
    send: Callable[[Sequence[bytes]], object],
    *,
    per_second: float,
    clock: Clock,
    stop: Stop,
) -> int:
    """Send ``events`` as they would come, until ``stop`` is set; how many were sent.

    ``send`` is ingest's own path. While that is ``Unavailable``, touches are lost: they are only
    simulated.
    """
    sent, owed = 0, 0.0
    while not stop.wait(STEP_S):
        owed += per_second * STEP_S
        at = int(clock.now().timestamp())
        batch = [encode(event._replace(at=at), Shift()) for event in islice(events, int(owed))]
        owed -= len(batch)
        if batch:
            with suppress(Unavailable):
                send(batch)
                sent += len(batch)
    return sent
