"""Alert rules: read, checked, and those that ship.

A policy of kind ``alert`` holds one rule, whose name is the policy's.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import msgspec

from schemas.rules import alerts_tree as tree
from schemas.rules.alerts_checks import contradictions
from schemas.rules.alerts_tree import Alert
from schemas.rules.form import Form
from schemas.rules.shipped import shipped

__all__ = ["Alert", "default_alerts", "default_rules", "digest", "parse"]

_TABLES: Final[Mapping[str, type[Any]]] = {
    "": Alert,
    "who": tree.Who,
    "when": tree.Condition,
    "of": tree.Signal,
    "combined": tree.Combined,
    "silent": tree.Silent,
    "falling": tree.Falling,
    "feedback": tree.Feedback,
    "unanswered": tree.Unanswered,
    "payments_failed": tree.PaymentsFailed,
    "happened": tree.Happened,
    "said": tree.Said,
    "points_expiring": tree.PointsExpiring,
    "score": tree.Crossed,
}
"""What a table of this name is."""
_FORM: Final = Form[Alert](
    _TABLES, contradictions, "a rule is a list of conditions, and these hold tables of values"
)
parse: Final = _FORM.parse


def digest(rule: Alert) -> str:
    """Of all that decides whom it alerts and when; severity, owner and words may change."""
    words = [rule.when, rule.at_least, rule.who, rule.snooze_days, rule.cool_down_days]
    return blake2b(msgspec.json.encode(words, order="sorted"), digest_size=16).hexdigest()


def default_alerts() -> Mapping[str, Alert]:
    """The rules that ship, by name."""
    return dict(_defaults())


def default_rules() -> Mapping[str, Mapping[str, object]]:
    """The same as they are published: plain trees."""
    return shipped("alerts")


@cache
def _defaults() -> Mapping[str, Alert]:
    return {name: _FORM.trust(rules) for name, rules in default_rules().items()}
