"""Contradictions in loyalty rules: what fits its type and still can't be meant."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from schemas.explain import near
from schemas.problems import Problem
from schemas.rules.loyalty_tree import Boost, Earn, Expiry, Feedback, Loyalty, Tier, Tiers


def contradictions(rules: Loyalty) -> list[Problem]:
    """Everything in ``rules`` that contradicts itself, each with its place and its remedy."""
    levels = rules.tiers.levels if rules.tiers else ()
    found = list(_repeated("earn", [rule.name for rule in rules.earn]))
    for number, rule in enumerate(rules.earn):
        found += _earning(f"earn.{number}", rule, [level.name for level in levels])
    if rules.feedback:
        found += _answering(rules.feedback)
    found += _expiring(rules.expiry)
    found += _lost_while_pending(rules)
    if rules.tiers:
        found += _rising(rules.tiers)
    found += _repeated("rewards", [reward.name for reward in rules.rewards])
    for number, reward in enumerate(rules.rewards):
        found += _period(f"rewards.{number}", reward.from_at, reward.until_at)
    return found


def _earning(place: str, rule: Earn, tiers: Sequence[str]) -> Iterator[Problem]:
    for name in rule.tier_percent:
        if name not in tiers:
            yield Problem(f"{place}.tier_percent", name, "is no tier", _known(name, tiers))
    for number, boost in enumerate(rule.boosts):
        yield from _period(f"{place}.boosts.{number}", boost.from_at, boost.until_at)
    yield from _overlapping(place, rule.boosts)
    if rule.most_per_day is not None and rule.most_per_day < rule.points:
        yield _too_low(place, rule.most_per_day, rule.points, "an order can earn")
    for field in ("categories", "channels"):
        yield from _repeated(f"{place}.{field}", getattr(rule, field), is_named=False)


def _answering(rule: Feedback) -> Iterator[Problem]:
    if rule.most_per_day is not None and rule.most_per_day < rule.points:
        yield _too_low("feedback", rule.most_per_day, rule.points, "one answer gives")
    yield from _repeated("feedback.surveys", rule.surveys, is_named=False)


def _expiring(rule: Expiry) -> Iterator[Problem]:
    takes_after = rule.rule in ("rolling", "inactivity")
    if takes_after and not rule.after:
        remedy = "say how long, like { months = 24 }"
        yield Problem("expiry.after", None, f"is missing for {rule.rule}", remedy)
    if not takes_after and rule.after is not None:
        remedy = f'remove it, or set rule = "rolling" instead of "{rule.rule}"'
        yield Problem("expiry.after", None, f"says nothing for {rule.rule}", remedy)
    if rule.years and rule.rule != "end_of_year":
        remedy = f'remove it, or set rule = "end_of_year" instead of "{rule.rule}"'
        yield Problem("expiry.years", rule.years, f"says nothing for {rule.rule}", remedy)


def _lost_while_pending(rules: Loyalty) -> Iterator[Problem]:
    expiry, window = rules.expiry, rules.return_window
    longest = expiry.after.days + 31 * expiry.after.months if expiry.after else 0
    if longest and longest <= window.days + 28 * window.months:
        remedy = "lengthen it, or shorten return_window"
        problem = "ends with return_window or earlier, so points would be lost before available"
        yield Problem("expiry.after", f"{longest} days", problem, remedy)


def _rising(tiers: Tiers) -> Iterator[Problem]:
    yield from _repeated("tiers.levels", [level.name for level in tiers.levels])
    yield from _repeated("tiers.qualifying", tiers.qualifying, is_named=False)
    for number, (lower, upper) in enumerate(pairwise(tiers.levels), 1):
        if upper.threshold <= lower.threshold:
            yield _not_above(f"tiers.levels.{number}.threshold", lower, upper)
    if not tiers.window:
        remedy = "say how long points count, like { months = 12 }"
        yield Problem("tiers.window", None, "is empty, so nobody would have a tier", remedy)


def _not_above(place: str, lower: Tier, upper: Tier) -> Problem:
    problem = f"is not above {lower.threshold} of {lower.name}, the tier before"
    remedy = f"raise it, or list {upper.name} before {lower.name}"
    return Problem(place, upper.threshold, problem, remedy)


def _too_low(place: str, cap: int, least: int, what: str) -> Problem:
    problem = f"is below the {least} that {what}"
    return Problem(f"{place}.most_per_day", cap, problem, f"raise it to {least} or remove it")


def _period(place: str, start: datetime | None, end: datetime | None) -> Iterator[Problem]:
    if start is not None and end is not None and end <= start:
        problem = f"is not after from_at, {start.isoformat()}"
        remedy = "move it past from_at; it is the first instant that is out"
        yield Problem(f"{place}.until_at", end.isoformat(), problem, remedy)


def _overlapping(place: str, boosts: Sequence[Boost]) -> Iterator[Problem]:
    ordered = sorted(enumerate(boosts), key=lambda one: one[1].from_at)
    for (_, earlier), (number, later) in pairwise(ordered):
        if later.from_at < earlier.until_at:
            problem = f"is in a boost that lasts until {earlier.until_at.isoformat()}"
            remedy = "move it, or put it into a rule of its own"
            at = later.from_at.isoformat()
            yield Problem(f"{place}.boosts.{number}.from_at", at, problem, remedy)


def _repeated(place: str, names: Sequence[str], *, is_named: bool = True) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            path = f"{place}.{number}.name" if is_named else f"{place}.{number}"
            yield Problem(path, name, "is there twice", "rename or remove one of them")
        seen.add(name)


def _known(name: str, tiers: Sequence[str]) -> str:
    meant = near(name, tiers, most=1)
    asked = f"did you mean {meant[0]}? " if meant else ""
    return f"{asked}tiers are: {', '.join(tiers)}" if tiers else "list it in tiers.levels"
