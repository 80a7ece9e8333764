"""What pydantic found wrong with an event, in terms that its sender can act on."""

import difflib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.envelope import Personal
from schemas.fields import MAX_INTEGER
from schemas.problems import Problem

MOST_PROBLEMS: Final = 50
"""Enough to see what is wrong with a sender; an order of 2000 bad lines needs no more."""
MOST_CHARACTERS: Final = 80

_KINDS: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "none_required": "null",
    "dict_type": "an object",
    "mapping_type": "an object",
    "dataclass_type": "an object",
    "dataclass_exact_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
}
_REMEDIES: Final = {
    "int_type": "send it without quotes and decimal point; money goes in minor units, like cents",
    "int_from_float": "send it without decimal point; money goes in minor units, like cents",
    "float_type": "send it as a JSON number, without quotes",
    "string_type": "send it in quotes",
    "bool_type": "send true or false, without quotes",
    "string_too_long": "shorten it; long text goes into personal.text",
    "too_long": "send several events",
}


def problems(error: ValidationError, posted: object, type_: str) -> list[Problem]:
    """One ``Problem`` a field; ``posted`` is the parsed event that ``error`` is about."""
    details = error.errors(include_url=False)
    grouped = groupby(((_place(detail, posted), detail) for detail in details), key=itemgetter(0))
    return [
        _problem(field, [detail for _, detail in placed], type_)
        for field, placed in islice(grouped, MOST_PROBLEMS)
    ]


def shortened(value: object) -> object:
    """``value`` as it may be shown: short, and of a kind that any JSON can hold."""
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARACTERS else value[:MOST_CHARACTERS] + "…"
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if abs(value) <= MAX_INTEGER:
            return value
        return f"{value:.3e}" if abs(value) < 10**300 else "…"
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def near(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """The names among ``known`` that ``name`` was probably meant to be."""
    return list(_closest(name[:200], tuple(known), most))


@lru_cache(maxsize=1_000)
def _closest(name: str, known: tuple[str, ...], most: int) -> list[str]:
    # Takes a millisecond, and a sender who is wrong is wrong a thousand times.
    return difflib.get_close_matches(name, known, n=most, cutoff=0.6)


def _place(detail: ErrorDetails, posted: Any) -> str:
    """The field's path in the posted JSON, without pydantic's own marks of unions and keys."""
    path: list[str] = []
    for step in detail["loc"]:
        is_inside = (
            isinstance(step, int) and step < len(posted)
            if isinstance(posted, list)
            else isinstance(posted, dict) and step in posted
        )
        if not is_inside and detail["type"] != "missing":
            break
        posted = posted[step] if is_inside else None
        path.append(str(step)[:100])
    return ".".join(path)


def _problem(field: str, details: Sequence[ErrorDetails], type_: str) -> Problem:
    # A union complains once a member: the member whose kind fitted says what is wrong.
    detail = next((each for each in details if each["type"] not in _KINDS), details[0])
    kind, value = detail["type"], shortened(detail["input"])
    described = f"GET /v1/schemas/{type_} describes it"
    if kind == "missing":
        return Problem(field, None, "is missing", f"add it; {described}")
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return Problem(field, value, f"is no field of {type_}", _instead(field, described))
    if kind in _KINDS:
        names = list(dict.fromkeys(_KINDS.get(each["type"], "") for each in details))
        return Problem(field, value, f"is not {_either(names)}", _REMEDIES.get(kind, described))
    if kind == "value_error":
        return Problem(field, value, detail["msg"].removeprefix("Value error, "), described)
    message = detail["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("Value ")
    return Problem(field, value, message, _REMEDIES.get(kind, described))


def _instead(field: str, described: str) -> str:
    name = field.rpartition(".")[2]
    if name in Personal.__annotations__:
        return f"move it to personal.{name}, where it is sealed"
    return f"remove it, or move it to personal if it names a person; {described}"


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
