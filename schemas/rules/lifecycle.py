"""Lifecycle rules: read, checked, and those that ship.

A policy of kind ``lifecycle`` holds one machine, whose name is the policy's.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from schemas.rules.form import Form
from schemas.rules.lifecycle_checks import contradictions
from schemas.rules.lifecycle_tree import (
    Active,
    Lifecycle,
    Purchases,
    Returned,
    Rhythm,
    Silent,
    Stage,
)
from schemas.rules.shipped import shipped

__all__ = ["Lifecycle", "default_machines", "default_rules", "parse"]

_TABLES: Final[Mapping[str, type[Any]]] = {
    "": Lifecycle,
    "rhythm": Rhythm,
    "stages": Stage,
    "purchases": Purchases,
    "active": Active,
    "silent": Silent,
    "returned": Returned,
}
"""What a table of this name is."""
_FORM: Final = Form[Lifecycle](
    _TABLES, contradictions, "a machine is a list of stages, and these hold tables of values"
)
parse: Final = _FORM.parse


def default_machines() -> Mapping[str, Lifecycle]:
    """The machines that every workspace begins with, by name."""
    return dict(_defaults())


def default_rules() -> Mapping[str, Mapping[str, object]]:
    """The same as they are published: plain trees."""
    return shipped("lifecycle")


@cache
def _defaults() -> Mapping[str, Lifecycle]:
    return {name: _FORM.trust(rules) for name, rules in default_rules().items()}
