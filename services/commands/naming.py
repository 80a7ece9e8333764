"""Naming: whether the stages and tiers are there that an alert rule names."""

from collections.abc import Collection, Iterator, Sequence

from schemas.explain import near
from schemas.problems import Problem
from schemas.rules import lifecycle, loyalty
from schemas.rules.alerts import Alert
from schemas.rules.alerts_tree import MACHINE
from services.store.policies import Policy


def unknown_names(rule: Alert, known: Sequence[Policy]) -> Sequence[Problem]:
    """What ``rule`` names that none of the ``known`` policies has."""
    stages, tiers = rule.who.stages, rule.who.tiers
    return [
        *_unknown("stages", stages, _stages(known) if stages else ()),
        *_unknown("tiers", tiers, _tiers(known) if tiers else ()),
    ]


def _unknown(of: str, asked: Sequence[str], known: Collection[str]) -> Iterator[Problem]:
    place = "lifecycle machine default" if of == "stages" else "loyalty programme"
    for number, name in enumerate(asked):
        if name not in known:
            meant = near(name, known, most=1)
            there = f"the {of} are {', '.join(known)}" if known else f"there are no {of} yet"
            remedy = f"did you mean {meant[0]}? {there}" if meant else there
            problem = f"is no {of[:-1]} of the {place}"
            yield Problem(f"who.{of}.{number}", name, problem, remedy)


def _stages(policies: Sequence[Policy]) -> Collection[str]:
    found: dict[str, None] = {}
    for one in policies:
        if (one.kind, one.name) == ("lifecycle", MACHINE):
            machine = lifecycle.parse(one.rules)
            if isinstance(machine, lifecycle.Lifecycle):
                found |= dict.fromkeys(stage.name for stage in machine.stages)
    return list(found)


def _tiers(policies: Sequence[Policy]) -> Collection[str]:
    found: dict[str, None] = {}
    for one in policies:
        if one.kind == "loyalty":
            programme = loyalty.parse(one.rules)
            if isinstance(programme, loyalty.Loyalty) and programme.tiers:
                found |= dict.fromkeys(level.name for level in programme.tiers.levels)
    return list(found)
