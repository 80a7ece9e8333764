"""Loyalty rules: read, checked, and those that ship.

A policy of kind ``loyalty`` holds one programme.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.problems import Problem
from schemas.rules.loyalty_checks import contradictions
from schemas.rules.loyalty_span import Span
from schemas.rules.loyalty_tree import Boost, Earn, Expiry, Feedback, Loyalty, Reward, Tier, Tiers
from schemas.rules.misfits import misfits
from schemas.rules.shipped import shipped

__all__ = [
    "Boost",
    "Earn",
    "Expiry",
    "Feedback",
    "Loyalty",
    "Reward",
    "Span",
    "Tier",
    "Tiers",
    "default_loyalty",
    "default_rules",
    "parse",
]

_TABLES: Final[Mapping[str, type[Any]]] = {
    "": Loyalty,
    "earn": Earn,
    "boosts": Boost,
    "feedback": Feedback,
    "return_window": Span,
    "expiry": Expiry,
    "after": Span,
    "tiers": Tiers,
    "window": Span,
    "grace": Span,
    "levels": Tier,
    "rewards": Reward,
}
"""What a table of this name is."""


def parse(rules: Mapping[str, object]) -> Loyalty | list[Problem]:
    """The programme that ``rules`` describe, or all that is wrong with them; never raises.

    Times may be RFC 3339 text or, as TOML reads them, times with a zone.
    """
    try:
        programme = _ADAPTER.validate_json(json.dumps(rules, default=_text))
    except ValidationError as error:
        return misfits(error, _TABLES)
    return contradictions(programme) or programme


@cache
def default_loyalty() -> Loyalty:
    """The programme that every workspace begins with."""
    return _ADAPTER.validate_json(json.dumps(default_rules(), default=_text))


def default_rules() -> dict[str, object]:
    """The same as it is published: a plain tree."""
    return shipped("loyalty")


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_ADAPTER: Final = TypeAdapter(Loyalty)
