"""Standing: what rules ask of a customer that entries alone don't say: value and scores.

Whoever hands in ``Standings`` promises that it is a function of the customer's entries until that
instant and of policies, and not of what was told before: then episodes are, too. Recorded
``score.computed`` events don't do, since how many of them there are depends on batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

FOREVER: Final = 2**62
"""An instant that never comes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a customer stands at an instant; None and absent scores are unknown."""

    value: str | None = None
    """High value, potential or ordinary."""
    scores: Mapping[str, float] = field(default_factory=dict)
    due_s: int = FOREVER
    """The first instant after at which time alone may change any of it, in seconds since 1970:
    the next day for scores that fade by day."""


Standings: TypeAlias = Callable[[int], Standing]
"""The standing at an instant, in seconds since 1970."""

UNKNOWN: Final = Standing()
