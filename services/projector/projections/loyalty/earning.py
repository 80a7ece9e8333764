"""Earning: what a purchase or an answer gives, by the rules in force at its instant."""

from datetime import datetime
from typing import Final

from schemas.fields import MAX_POINTS
from schemas.rules.loyalty import Boost, Earn
from services.projector.projections.loyalty.book import Era
from services.projector.projections.loyalty.entries import Entry
from services.projector.projections.loyalty.instants import NEVER
from services.projector.projections.loyalty.state import IDLE, State
from services.projector.projections.loyalty.tiers import tier_of

FEEDBACK: Final = "feedback"
FIRST_PURCHASE: Final = "first purchase"


def bought(state: State, entry: Entry, era: Era) -> list[tuple[str, int]]:
    """What each rule gives for a purchase; the tier is the one just before it."""
    policy = era.policy
    if policy is None:
        return []
    gains = []
    tier = tier_of(state, state.at, era) if era.levels else None
    for rule in era.earn.get(entry.currency, ()):
        if points := _by_rule(rule, entry, tier, era):
            if rule.most_per_day is not None:
                _new_day(state, era)
                points = _capped(state, rule.name, points, rule.most_per_day)
            gains.append((rule.name, points))
    if policy.first_purchase_points and not state.purchases:
        gains.append((FIRST_PURCHASE, policy.first_purchase_points))
    return gains


def answered(state: State, entry: Entry, era: Era) -> int:
    """What the answer to a survey gives."""
    rule = era.policy.feedback if era.policy else None
    if rule is None or (rule.surveys and entry.about not in rule.surveys):
        return 0
    if rule.most_per_day is None:
        return rule.points
    _new_day(state, era)
    return _capped(state, FEEDBACK, rule.points, rule.most_per_day)


def expires_at(at: int, era: Era) -> int:
    """When points that come in at ``at`` expire; ``IDLE`` where inactivity ends them."""
    rule = era.expiry
    match rule.rule:
        case "never":
            return NEVER
        case "inactivity":
            return IDLE
        case "end_of_year":
            return era.wall.end_of_year(at, rule.years)
        case "rolling":
            return era.wall.after(at, rule.after) if rule.after else NEVER


def available_at(at: int, era: Era) -> int:
    """When points of a purchase at ``at`` may be spent; 0 for at once."""
    window = era.policy.return_window if era.policy else None
    return era.wall.after(at, window) if window else 0


def _by_rule(rule: Earn, entry: Entry, tier: str | None, era: Era) -> int:
    if rule.channels and entry.channel not in rule.channels:
        return 0
    amount_minor = entry.amount_minor
    if rule.categories:
        wanted = rule.categories
        fitting = sum(minor for category, minor in entry.categories if category in wanted)
        # Lines may cost more than was paid in the end, as before a voucher.
        amount_minor = min(amount_minor, fitting)
    points, per = amount_minor * rule.points, rule.per_minor
    if tier is not None:
        percent = rule.tier_percent.get(tier) if rule.tier_percent else None
        if percent is None:
            percent = era.percents[tier]
        points, per = points * percent, per * 100
    if rule.boosts and (boost := _boost(rule.boosts, entry.occurred_at)):
        points, per = points * boost.percent, per * 100
    return min(points // per, MAX_POINTS)


def _boost(boosts: tuple[Boost, ...], at: datetime) -> Boost | None:
    return next((one for one in boosts if one.from_at <= at < one.until_at), None)


def _new_day(state: State, era: Era) -> None:
    """Begin to count anew where the day is later than that of what was counted."""
    if state.at >= state.day_until:
        state.day_until, state.of_day = era.wall.end_of_day(state.at), {}


def _capped(state: State, name: str, points: int, most: int) -> int:
    """As many of ``points`` as the day still has room for."""
    counted = state.of_day.get(name, 0)
    taken = max(0, min(points, most - counted))
    if taken:
        state.of_day[name] = counted + taken
    return taken
