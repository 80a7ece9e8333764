"""Contradictions in lifecycle rules: what fits its type and still can't be meant."""

from collections.abc import Iterator

from schemas.explain import near
from schemas.problems import Problem
from schemas.rules.lifecycle_covering import covers, excluded
from schemas.rules.lifecycle_tree import (
    MOST_IN_WINDOW,
    Active,
    Lifecycle,
    Purchases,
    Returned,
    Rhythm,
    Silent,
    Stage,
)


def contradictions(machine: Lifecycle) -> list[Problem]:
    """Everything in ``machine`` that contradicts itself, each with its place and its remedy."""
    names = [stage.name for stage in machine.stages]
    found = [*_of_rhythm(machine.rhythm), *_of_names(names)]
    for number, stage in enumerate(machine.stages):
        found += _of_stage(f"stages.{number}", stage, names)
    return found or [*_of_all(machine)]


def _of_rhythm(rhythm: Rhythm) -> Iterator[Problem]:
    fewest, most, none = rhythm.min_days, rhythm.max_days, rhythm.fallback_days
    if fewest > most:
        problem = f"is above max_days, {most}"
        yield Problem("rhythm.min_days", fewest, problem, "swap them, or raise max_days")
    elif not fewest <= none <= most:
        problem = f"is not between min_days and max_days, {fewest} and {most}"
        yield Problem("rhythm.fallback_days", none, problem, "choose a number between them")


def _of_names(names: list[str]) -> Iterator[Problem]:
    for number, name in enumerate(names):
        first = names.index(name)
        if first != number:
            problem = f"is the name of stages.{first} too"
            yield Problem(f"stages.{number}.name", name, problem, "give each stage its own name")


def _of_stage(place: str, stage: Stage, names: list[str]) -> Iterator[Problem]:
    for number, purchases in enumerate(stage.purchases):
        yield from _of_purchases(f"{place}.purchases.{number}", purchases)
    for number, active in enumerate(stage.active):
        yield from _of_active(f"{place}.active.{number}", active)
    for number, silent in enumerate(stage.silent):
        yield from _of_silent(f"{place}.silent.{number}", silent)
    if stage.returned:
        yield from _of_returned(f"{place}.returned", stage.returned, stage.name, names)


def _of_purchases(place: str, rule: Purchases) -> Iterator[Problem]:
    fewest, most = rule.at_least, rule.at_most
    if fewest is None and most is None:
        yield Problem(place, None, "asks for nothing", "add at_least or at_most")
    if fewest is not None and most is not None and fewest > most:
        problem = f"is above at_most, {most}"
        yield Problem(f"{place}.at_least", fewest, problem, "swap them, or raise at_most")
    if rule.within_days is None:
        return
    for name, number, limit in (
        ("at_least", fewest, MOST_IN_WINDOW),
        ("at_most", most, MOST_IN_WINDOW - 1),
    ):
        if number is not None and number > limit:
            problem = f"is above {limit}, and no more are looked at within a window"
            remedy = f"ask for {limit} or fewer, or leave within_days out"
            yield Problem(f"{place}.{name}", number, problem, remedy)


def _of_active(place: str, rule: Active) -> Iterator[Problem]:
    if rule.within_days and rule.within_rhythm_percent:
        problem = "has two windows, within_days and within_rhythm_percent"
        yield Problem(place, None, problem, "leave one of them out")
    if rule.after_purchase and set(rule.kinds) == {"bought"}:
        problem = "can't be, for no purchase is after the last one"
        remedy = "leave it out, or name other kinds"
        yield Problem(f"{place}.after_purchase", rule.after_purchase, problem, remedy)


def _of_silent(place: str, rule: Silent) -> Iterator[Problem]:
    if rule.days and rule.rhythm_percent:
        problem = "has two lengths, days and rhythm_percent"
        yield Problem(place, None, problem, "leave one of them out")
    if rule.days is None and rule.rhythm_percent is None:
        yield Problem(place, None, "does not say for how long", "add days or rhythm_percent")


def _of_returned(place: str, rule: Returned, stage: str, names: list[str]) -> Iterator[Problem]:
    if rule.after == stage:
        problem = "is this stage itself, into which then nothing leads"
        yield Problem(f"{place}.after", rule.after, problem, "name the stage that was left")
    elif rule.after not in names:
        meant = near(rule.after, names, most=1)
        asked = f"did you mean {meant[0]}? " if meant else ""
        remedy = f"{asked}the stages are {', '.join(names)}"
        yield Problem(f"{place}.after", rule.after, "is no stage of this machine", remedy)


def _of_all(machine: Lifecycle) -> Iterator[Problem]:
    """What several conditions or stages together make impossible."""
    stages, rhythm = machine.stages, machine.rhythm
    for number, stage in enumerate(stages):
        for place, problem, remedy in excluded(stage, rhythm):
            yield Problem(f"stages.{number}.{place}", stage.name, problem, remedy)
        for earlier in stages[:number]:
            if covers(earlier, stage, rhythm):
                problem = f"is never reached, for {earlier.name} above it takes all it would take"
                remedy = f"move it above {earlier.name}, or give {earlier.name} more conditions"
                yield Problem(f"stages.{number}", stage.name, problem, remedy)
                break
    last = stages[-1]
    if last.purchases or last.active or last.silent or last.returned:
        problem = "is the last stage and has conditions, so some customers would be in none"
        remedy = "end with a stage without conditions, like prospect"
        yield Problem(f"stages.{len(stages) - 1}", last.name, problem, remedy)
