"""Shoppers: customers who buy at a rate of their own until they leave, the same every time."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple


class Basket(NamedTuple):
    """What was bought."""

    who: int
    order: str
    day: int
    amount_minor: int


def shopping(count: int, *, weeks: int, seed: int = 3) -> list[list[Basket]]:
    """Each one's baskets, in order."""
    chance = Random(seed)
    return [list(_baskets(chance, who, weeks)) for who in range(count)]


def _baskets(chance: Random, who: int, weeks: int) -> Iterator[Basket]:
    rate, typical = chance.gammavariate(1.5, 1 / 4), chance.gammavariate(6, 500)
    leaves = chance.expovariate(1 / 30)
    week, number = chance.uniform(0, weeks / 3), 0
    while week < weeks and (number == 0 or leaves > week):
        amount_minor = int(chance.gammavariate(6, typical / 6)) + 1
        yield Basket(who, f"o-{who}-{number}", int(week * 7), amount_minor)
        week, number = week + chance.expovariate(max(rate, 0.01)), number + 1
