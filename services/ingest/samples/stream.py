"""The whole sample in time order: real events, and simulated touches around them."""

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush, merge
from random import Random
from typing import Final, TypeAlias

from services.ingest.samples import completejourney, grocer
from services.ingest.samples.completejourney import Basket, Households
from services.ingest.samples.event import Event
from services.ingest.samples.occasion import Occasion
from services.ingest.samples.people import SEED, person
from services.ingest.samples.touches import reactions, touches

ENDS: Final = int(completejourney.ENDS_AT.timestamp())

Begun: TypeAlias = tuple[Event, Iterable[Event]]
"""A real event, and the simulated ones that follow it."""


def events(*, seed: int = SEED, households: Households | None = None) -> Iterator[Event]:
    """Every event, or those of ``households``, which are the same as among all.

    None is later than the last basket. Holds a few thousand events and the package's small tables
    at a time.
    """
    rewards, coupons = grocer.redemptions(households)
    return merge(
        sorted(grocer.described(households)),
        rewards,
        _in_order(_mailings(seed, households)),
        _in_order(_purchases(seed, households, coupons)),
    )


def _in_order(begun: Iterable[Begun]) -> Iterator[Event]:
    """The real events, which come in order, with what follows them put where it belongs."""
    waiting: list[Event] = []
    for event, following in begun:
        while waiting and waiting[0] < event:
            yield heappop(waiting)
        yield event
        for touch in following:
            if touch.at <= ENDS:
                heappush(waiting, touch)
    while waiting:
        yield heappop(waiting)


def _purchases(
    seed: int, households: Households | None, coupons: Mapping[int, tuple[str, ...]]
) -> Iterator[Begun]:
    products = completejourney.products()
    dice: dict[int, Random] = {}
    for basket in completejourney.baskets(households):
        if basket.is_first:
            dice[basket.household] = Random(f"touches {seed} {basket.household}")
        occasion = _occasion(basket, seed, dice[basket.household])
        yield grocer.purchase(basket, products, coupons), touches(occasion)


def _occasion(basket: Basket, seed: int, random: Random) -> Occasion:
    return Occasion(
        key=str(basket.id),
        at=basket.at,
        person=person(basket.household, seed),
        random=random,
        order_id=str(basket.id),
        store_id=str(basket.store),
        amount_minor=basket.amount_minor,
        products=basket.products,
        is_first=basket.is_first,
    )


def _mailings(seed: int, households: Households | None) -> Iterator[Begun]:
    for letter, household in grocer.mailings(households):
        reader = person(household, seed)
        occasion = Occasion(letter.id, letter.at, reader, Random(f"{letter.id} {seed}"))
        yield (
            letter,
            reactions(occasion, letter.at, letter.id, letter.data, reads=reader.reads_mail),
        )
