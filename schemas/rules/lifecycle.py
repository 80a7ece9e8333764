"""Lifecycle rules: read, checked, and those that ship.

A policy of kind ``lifecycle`` holds one machine, whose name is the policy's.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.problems import Problem
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
from schemas.rules.misfits import misfits
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


def parse(rules: Mapping[str, object]) -> Lifecycle | list[Problem]:
    """The machine that ``rules`` describe, or all that is wrong with them; never raises."""
    try:
        machine = _ADAPTER.validate_json(json.dumps(rules, default=str))
    except ValidationError as error:
        return misfits(error, _TABLES)
    except RecursionError:
        return [
            Problem(
                "",
                None,
                "is nested too deeply",
                "a machine is a list of stages, and these hold tables of values",
            )
        ]
    return contradictions(machine) or machine


def default_machines() -> Mapping[str, Lifecycle]:
    """The machines that every workspace begins with, by name."""
    return dict(_defaults())


def default_rules() -> Mapping[str, Mapping[str, object]]:
    """The same as they are published: plain trees."""
    return shipped("lifecycle")


@cache
def _defaults() -> Mapping[str, Lifecycle]:
    return {
        name: _ADAPTER.validate_json(json.dumps(rules)) for name, rules in default_rules().items()
    }


_ADAPTER: Final = TypeAdapter(Lifecycle)
