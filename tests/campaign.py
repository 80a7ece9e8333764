"""How far a test of faults goes: some kills in `make test`, many more in `make faults`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import pytest

T = TypeVar("T")
SEEDS: Final = "TOUCHLINE_TEST_SEEDS"
"""Names other seeds, as ``7`` or ``7,8,9``: each test of a campaign is run once with each."""
_SHORT: Final = ("1",)
_LONG: Final = ("1", "2")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One run of a test; its seed is in the test's name, so that a failure can be had again."""

    is_long: bool
    seed: int

    def of(self, short: T, long: T) -> T:
        """What this one takes of something: how many kills, events, members."""
        return long if self.is_long else short


def campaigns(name: str) -> Sequence[object]:
    """The parameters of a test that asks for a ``campaign``; long ones are marked ``faults``.

    One that asks for a ``long_campaign`` has no short form: `make test` has another that kills the
    same at the same work.
    """
    given = tuple(filter(None, os.environ.get(SEEDS, "").split(",")))
    return [
        pytest.param(
            Campaign(is_long=is_long, seed=int(seed)),
            marks=[pytest.mark.faults] if is_long else [],
            id=f"{'long' if is_long else 'short'}-{seed}",
        )
        for is_long, seeds in ((False, given or _SHORT), (True, given or _LONG))
        if is_long or name == "campaign"
        for seed in seeds
    ]
