"""Loyalty rules: read, checked, and those that ship.

A policy of kind ``loyalty`` holds one programme.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from schemas.rules.form import Form
from schemas.rules.loyalty_checks import contradictions
from schemas.rules.loyalty_span import Span
from schemas.rules.loyalty_tree import Boost, Earn, Expiry, Feedback, Loyalty, Reward, Tier, Tiers
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
_FORM: Final = Form[Loyalty](
    _TABLES, contradictions, "a programme is tables of values, and lists of these"
)
parse: Final = _FORM.parse


@cache
def default_loyalty() -> Loyalty:
    """The programme that every workspace begins with."""
    return _FORM.trust(default_rules())


def default_rules() -> dict[str, object]:
    """The same as it is published: a plain tree."""
    return shipped("loyalty")
