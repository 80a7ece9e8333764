"""Explanation: a score, and the parts that it is the sum of."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one thing added to a score, or took from it."""

    name: str
    value: float
    evidence: Mapping[str, float] = field(default_factory=dict)
    """The figures that led to it."""
    events: tuple[str, ...] = ()
    """Ids of the events behind it, where they are few enough to be named."""


@dataclass(frozen=True, slots=True)
class Explained:
    """``score`` is ``base`` and all contributions added up."""

    score: float
    base: float
    contributions: tuple[Contribution, ...]


def explained(base: float, contributions: Iterable[Contribution]) -> Explained:
    """The sum, with its parts from the weightiest on; the order they came in changes nothing."""
    parts = sorted(contributions, key=lambda one: (-abs(one.value), one.name))
    return Explained(math.fsum([base, *(one.value for one in parts)]), base, tuple(parts))
