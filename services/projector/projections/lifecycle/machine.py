"""A machine made ready: in which stage a customer is on a day, until when, and what follows."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from schemas.rules.lifecycle_tree import Lifecycle, Rhythm, Stage
from services.projector.projections.lifecycle.conditions import (
    ALWAYS,
    NOWHERE,
    Condition,
    Holds,
    Returns,
    Span,
    Why,
    active,
    purchases,
    returned,
    silent,
)
from services.projector.projections.lifecycle.days import FOREVER
from services.projector.projections.lifecycle.standing import Standing

LONGEST_RULE: Final = 1000
"""What evidence may hold (``schemas.fields.Scalar``)."""
NONE: Final = -1
"""The place of no stage."""


class Ready(NamedTuple):
    """A stage made ready."""

    name: str
    conditions: tuple[Condition, ...]
    rule: str
    """All conditions as people would say them."""

    def why(self, standing: Standing, returns: Returns) -> Why:
        """The rule, and the facts by which it holds."""
        why: Why = {"rule": self.rule}
        for condition in self.conditions:
            condition.tell(standing, returns, why)
        return why


Stand: TypeAlias = tuple[int, int, int]
"""Where a customer stands if nothing happens: the stage, the day on which time alone leads to
another, and that stage; stages by their place in the machine."""


class Machine:
    """One version of a machine."""

    __slots__ = ("_holds", "asked", "stages", "version")

    def __init__(self, rules: Lifecycle, version: int) -> None:
        self.version = version
        self.stages = tuple(_ready(stage, rules.rhythm) for stage in rules.stages)
        left = {one.returned.after for one in rules.stages if one.returned}
        self.asked = frozenset(place for place, one in enumerate(rules.stages) if one.name in left)
        """The places of the stages out of which a purchase is a return."""
        self._holds = tuple(
            (place, _all_hold([condition.holds for condition in stage.conditions]))
            for place, stage in enumerate(self.stages)
        )

    def stand(self, standing: Standing, returns: Returns, day: int) -> Stand:
        """The stage on ``day``, at or after the last day that ``standing`` took in."""
        stage, until, following = NONE, FOREVER, NONE
        for place, holds in self._holds:
            begin, end = holds(standing, returns)
            if end <= day or end <= begin:
                continue
            if stage != NONE:
                if begin <= until < end:
                    return stage, until, place
            elif begin > day:
                # Of a stage with more precedence, which will take over.
                if begin < until:
                    until, following = begin, place
            elif end < until:
                stage, until = place, end
            else:
                return place, until, following
        # Not reached: the last stage of a machine has no conditions.
        return stage, until, following


def _all_hold(conditions: Sequence[Holds]) -> Holds:
    """When all of them hold: one call a stage, which is what posting a day mostly costs."""
    if not conditions:
        return lambda _standing, _returns: ALWAYS
    if len(conditions) == 1:
        return conditions[0]
    first, others = conditions[0], _all_hold(conditions[1:])

    def holds(standing: Standing, returns: Returns) -> Span:
        begin, end = first(standing, returns)
        if end <= begin:
            return NOWHERE
        since, to = others(standing, returns)
        return max(since, begin), min(to, end)

    return holds


def _ready(stage: Stage, rhythm: Rhythm) -> Ready:
    conditions = (
        *map(purchases, stage.purchases),
        *(active(rule, rhythm) for rule in stage.active),
        *(silent(rule, rhythm) for rule in stage.silent),
        *((returned(stage.returned),) if stage.returned else ()),
    )
    rule = ", ".join(condition.rule for condition in conditions)
    return Ready(stage.name, conditions, rule[:LONGEST_RULE] or "no other stage's conditions hold")
