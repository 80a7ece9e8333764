"""Contradictions in alert rules: what fits its type and still can't be meant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import combinations
from typing import Any, Final

from schemas import TYPES, custom_name
from schemas.explain import near
from schemas.feedback import SCALES
from schemas.problems import Problem
from schemas.rules.alerts_tree import (
    Alert,
    Combined,
    Condition,
    Crossed,
    Falling,
    Feedback,
    ScoreName,
    Signal,
    Silent,
    Who,
)

RANGES: Final[Mapping[ScoreName, tuple[float, float]]] = {
    "churn_risk": (0.0, 1.0),
    "p_alive": (0.0, 1.0),
    "engagement": (0.0, 100.0),
    "temperature": (0.0, 100.0),
    "health": (0.0, 100.0),
    "satisfaction": (0.0, 100.0),
    "expected_purchases": (0.0, 10.0**6),
    "lifetime_value": (-(10.0**12), 10.0**12),
}
"""Between which values a score can be."""
_PURCHASE: Final = "purchase.completed"
_WINDOWED: Final = ("feedback", "payments_failed", "happened", "said", "points_expiring")


def contradictions(rule: Alert) -> list[Problem]:
    """Everything in ``rule`` that contradicts itself, each with its place and its remedy."""
    found = [*_of_who(rule.who), *_of_count("at_least", rule.at_least, "when", rule.when)]
    for number, condition in enumerate(rule.when):
        found += _of_condition(f"when.{number}", condition)
    if not found and rule.at_least in {None, len(rule.when)}:
        found += _of_all(rule.when)
    return found


def kind_of(signal: Signal) -> str:
    """Which one of its fields it is; call it for what was checked."""
    return _kinds(signal)[0]


def _kinds(signal: Signal) -> list[str]:
    return [one.name for one in fields(signal) if getattr(signal, one.name) is not None]


def _of_who(who: Who) -> Iterator[Problem]:
    if who.least_spend_minor and who.currency is None:
        remedy = 'add it, like currency = "EUR"'
        yield Problem("who.currency", None, "is missing for least_spend_minor", remedy)
    if who.currency is not None and not who.least_spend_minor:
        remedy = "add least_spend_minor, or leave it out"
        yield Problem("who.currency", who.currency, "says nothing without an amount", remedy)


def _of_count(place: str, asked: int | None, of: str, items: Sequence[Signal]) -> Iterator[Problem]:
    if asked is not None and asked > len(items):
        problem = f"is above {len(items)}, the number of conditions in {of}"
        yield Problem(place, asked, problem, f"lower it to {len(items)}, or add conditions")
    for (_, one), (number, other) in combinations(enumerate(items), 2):
        if one == other:
            yield Problem(f"{of}.{number}", None, "is there twice", "remove one of them")


def _of_condition(place: str, condition: Condition) -> Iterator[Problem]:
    if condition.combined is None or len(_kinds(condition)) > 1:
        yield from _of_signal(place, condition, combined=None)
        return
    combined = condition.combined
    place = f"{place}.combined"
    yield from _of_count(f"{place}.at_least", combined.at_least, f"{place}.of", combined.of)
    for number, signal in enumerate(combined.of):
        yield from _of_signal(f"{place}.of.{number}", signal, combined=combined)


def _of_signal(place: str, signal: Signal, *, combined: Combined | None) -> Iterator[Problem]:
    kinds = _kinds(signal)
    if len(kinds) != 1:
        known = ", ".join(one.name for one in fields(signal))
        problem = f"holds {' and '.join(kinds)}" if kinds else "asks for nothing"
        remedy = "put each into a condition of its own" if kinds else f"add one of {known}"
        yield Problem(place, None, problem, remedy)
        return
    place = f"{place}.{kinds[0]}"
    if kinds[0] in _WINDOWED:
        yield from _of_window(place, getattr(signal, kinds[0]), combined)
    match signal:
        case Signal(silent=Silent() as silent):
            yield from _of_silent(place, silent)
        case Signal(falling=Falling() as falling):
            yield from _of_falling(place, falling)
        case Signal(feedback=Feedback() as feedback):
            yield from _of_feedback(place, feedback)
        case Signal(score=Crossed() as crossed):
            yield from _of_score(place, crossed)


def _of_window(place: str, rule: Any, combined: Combined | None) -> Iterator[Problem]:
    if combined is None and rule.within_days is None:
        remedy = "add it, like within_days = 30"
        yield Problem(f"{place}.within_days", None, "is missing: the window is empty", remedy)
    if combined is not None and rule.within_days is not None:
        problem = f"is a second window beside combined's, {combined.within_days} days"
        yield Problem(f"{place}.within_days", rule.within_days, problem, "leave one of them out")
    for name in ("types", "undone_by"):
        for number, type_ in enumerate(getattr(rule, name, ())):
            if type_ not in TYPES and custom_name(type_) is None:
                yield _unknown(f"{place}.{name}.{number}", type_)
    both = set(getattr(rule, "types", ())) & set(getattr(rule, "undone_by", ()))
    for type_ in sorted(both):
        problem = "undoes itself, so that it never holds"
        yield Problem(f"{place}.undone_by", type_, problem, "leave it out of one of the lists")


def _unknown(place: str, type_: str) -> Problem:
    meant = near(type_, TYPES, most=1)
    asked = f"did you mean {meant[0]}? " if meant else ""
    remedy = f"{asked}GET /v1/schemas lists all; your own begin with custom."
    return Problem(place, type_, "is no type of event", remedy)


def _of_silent(place: str, rule: Silent) -> Iterator[Problem]:
    if rule.days and rule.rhythm_percent:
        yield Problem(
            place, None, "has two lengths, days and rhythm_percent", "leave one of them out"
        )
    if rule.days is None and rule.rhythm_percent is None:
        yield Problem(place, None, "does not say for how long", "add rhythm_percent = 200, or days")
    for begins, ends in (("days", "until_days"), ("rhythm_percent", "until_percent")):
        begin, end = getattr(rule, begins), getattr(rule, ends)
        if end is not None and begin is None:
            yield Problem(f"{place}.{ends}", end, f"says nothing without {begins}", "leave it out")
        elif end is not None and end <= begin:
            problem = f"is not above {begins}, {begin}: the window is empty"
            yield Problem(f"{place}.{ends}", end, problem, f"raise it above {begin}")
    fewest, most, none = rule.min_days, rule.max_days, rule.fallback_days
    if fewest > most:
        problem = f"is above max_days, {most}"
        yield Problem(f"{place}.min_days", fewest, problem, "swap them, or raise max_days")
    elif none is not None and not fewest <= none <= most:
        problem = f"is not between min_days and max_days, {fewest} and {most}"
        yield Problem(f"{place}.fallback_days", none, problem, "choose a number between them")


def _of_falling(place: str, rule: Falling) -> Iterator[Problem]:
    if rule.leaves_at_percent <= rule.enters_at_percent:
        problem = f"is not above enters_at_percent, {rule.enters_at_percent}: it would flap"
        remedy = f"raise it, like {rule.enters_at_percent + 20}"
        yield Problem(f"{place}.leaves_at_percent", rule.leaves_at_percent, problem, remedy)
    for name in ("least_days",) if rule.of == "spend" else ("minimum", "least_days"):
        days = getattr(rule, name)
        if days > rule.before_days:
            problem = f"is above before_days, {rule.before_days}, and counts days of them"
            yield Problem(f"{place}.{name}", days, problem, "lower it, or lengthen before_days")


def _of_feedback(place: str, rule: Feedback) -> Iterator[Problem]:
    low, high = SCALES[rule.survey]
    if not low <= rule.at_most < high:
        problem = f"is not from {low:g} to below {high:g}, where {rule.survey} is bad"
        yield Problem(f"{place}.at_most", rule.at_most, problem, "choose a score of that scale")


def _of_score(place: str, rule: Crossed) -> Iterator[Problem]:
    low, high = RANGES[rule.name]
    for name in ("enters_at", "leaves_at"):
        value = getattr(rule, name)
        if not low <= value <= high:
            problem = f"is not between {low:g} and {high:g}, where {rule.name} is"
            yield Problem(f"{place}.{name}", value, problem, "choose a value of that scale")
    if rule.enters_at == rule.leaves_at:
        problem = "is enters_at too: a score that trembles there would flap"
        remedy = "lower it for a score that is bad when high, raise it for one that is bad when low"
        yield Problem(f"{place}.leaves_at", rule.leaves_at, problem, remedy)


def _of_all(when: Sequence[Condition]) -> Iterator[Problem]:
    """Pairs of conditions that never hold together."""
    for (first, one), (second, other) in combinations(enumerate(when), 2):
        yield from _apart(one, other, f"when.{first}", f"when.{second}")
        yield from _apart(other, one, f"when.{second}", f"when.{first}")
        yield from _scores_apart(one, other, f"when.{first}", f"when.{second}")


def _apart(one: Condition, other: Condition, place: str, beside: str) -> Iterator[Problem]:
    silent, happened = one.silent, other.happened
    if silent is None or happened is None or set(happened.types) != {_PURCHASE}:
        return
    shortest = silent.days or -(-silent.min_days * (silent.rhythm_percent or 0) // 100)
    # A day of silence is whole: a purchase of yesterday evening may be an hour old.
    if happened.within_days is not None and happened.within_days < shortest:
        problem = f"never holds beside {beside}, which asks for a purchase within that silence"
        yield Problem(f"{place}.silent", None, problem, f"leave one out, or widen {beside}")


def _scores_apart(one: Condition, other: Condition, place: str, beside: str) -> Iterator[Problem]:
    a, b = one.score, other.score
    if a is None or b is None or a.name != b.name:
        return
    high, low = (a, b) if a.enters_at > a.leaves_at else (b, a)
    is_opposite = high.enters_at > high.leaves_at and low.enters_at < low.leaves_at
    if is_opposite and high.enters_at > low.enters_at:
        problem = f"never begins beside {place}, which asks {a.name} to be on the other side"
        yield Problem(f"{beside}.score", b.enters_at, problem, "leave one of them out")
