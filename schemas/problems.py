"""What is wrong with an input, in terms that its sender can act on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """``field`` has ``value``, which has ``problem``; ``remedy`` says what to send instead."""

    field: str
    value: object
    problem: str
    remedy: str
