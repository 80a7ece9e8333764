"""What of a tree of rules does not fit its type, in terms that whoever wrote it can act on."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.explain import MOST_PROBLEMS, near, shortened
from schemas.problems import Problem

_KINDS: Final = {
    "string_type": ("text", "put it in quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "int_type": ("a whole number", "write it without quotes and decimal point"),
    "int_from_float": ("a whole number", "write it without decimal point"),
    "tuple_type": ("a list", "put it in square brackets, like [{ at_least = 2 }]"),
    "dataclass_type": ("a table", "put it in braces, like { at_least = 2 }"),
}
_REMEDIES: Final = {
    "literal_error": "write one of these",
    "string_pattern_mismatch": "write it in lower-case letters, digits and _, a letter first",
    "too_short": "put at least one into it",
}


def misfits(error: ValidationError, tables: Mapping[str, type[Any]]) -> list[Problem]:
    """One ``Problem`` a place, at most fifty; a place is a path like ``stages.2.silent.0.days``.

    ``tables`` names the class of each table by its field, the whole tree's by the empty name.
    """
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        place = ".".join(str(step)[:100] for step in detail["loc"])
        # A list whose items do not fit is called empty too.
        if detail["type"] != "too_short" or not detail["input"]:
            found.setdefault(place, _problem(place, detail, tables))
    return [*found.values()][:MOST_PROBLEMS]


def _problem(place: str, detail: ErrorDetails, tables: Mapping[str, type[Any]]) -> Problem:
    kind, value = detail["type"], shortened(detail["input"])
    if kind == "missing":
        return Problem(place, None, "is missing", "add it")
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return Problem(place, value, "is no field here", _instead(detail["loc"], tables))
    if kind in _KINDS:
        problem, remedy = _KINDS[kind]
        return Problem(place, value, f"is not {problem}", remedy)
    if kind == "value_error":
        return Problem(place, value, detail["msg"].removeprefix("Value error, "), "change it")
    message = detail["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("Value ")
    return Problem(place, value, message, _REMEDIES.get(kind, "change it so that it is"))


def _instead(loc: tuple[int | str, ...], tables: Mapping[str, type[Any]]) -> str:
    named = [step for step in loc[:-1] if isinstance(step, str)]
    known = [one.name for one in fields(tables[named[-1] if named else ""])]
    meant = near(str(loc[-1]), known, most=1)
    asked = f"did you mean {meant[0]}? " if meant else ""
    return f"{asked}known here: {', '.join(known)}"
