"""Mapping: how rows of somebody's file become events; a typed tree that evaluates nothing.

    delimiter = ";"
    [[events]]
    when = [{ column = "Invoice", starts_with = "C", negate = true }]
    type = "purchase.completed"
    id = "{Invoice}"
    identifiers = ["user:{Customer}", "email:{Mail}"]
    occurred_at = { column = "Date", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
    [events.data]
    order_id = { column = "Invoice" }
    amount_minor = { column = "Total", as = "minor", currency = "EUR", decimal = "," }
    currency = { value = "EUR" }
    [events.personal]
    name = { column = "Name" }

With ``group_by = "Invoice"`` the rows of an invoice are one event, its ``amount_minor`` can be
``sum = true``, and ``[events.lines]`` says what each of them adds to ``data.lines``.
The first of ``events`` whose conditions all hold makes the event; a row that none takes is refused.
"""

import json
import tomllib
from collections.abc import Mapping as Columns
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.errors import Misconfigured

Row: TypeAlias = Columns[str, str]
"""A row's cells by column; an empty cell is one that is missing."""
Constant: TypeAlias = str | bool | int | float
Template = Annotated[
    str, Field(min_length=1, max_length=500, description="text with {columns} in it")
]


class Part(BaseModel):
    """A part of the tree: whatever it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Condition(Part):
    """What a cell must be."""

    column: str
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    starts_with: str | None = None
    is_empty: bool | None = None
    negate: bool = False
    """Holds where it otherwise would not."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "Condition":
        asked = (self.equals, self.one_of, self.starts_with, self.is_empty)
        if sum(item is not None for item in asked) != 1:
            msg = "needs one of equals, one_of, starts_with and is_empty"
            raise ValueError(msg)
        return self


class Cell(Part):
    """A value of the event: a cell of the row, converted, or a constant."""

    column: str | None = None
    value: Constant | None = None
    kind: Literal["text", "integer", "number", "minor", "boolean", "time"] = Field(
        "text", alias="as"
    )
    """``minor`` is money, written in units of the currency; ``time`` is written as RFC 3339."""
    currency: Template | None = None
    """Of ``minor``: a code, or a column as ``{currency}``; it tells how many digits there are."""
    decimal: Literal[".", ","] = "."
    translate: dict[str, Constant] | None = None
    """What each text stands for; a text that is not among them is refused."""
    default: Constant | None = None
    """Where the cell is empty; without one the value is left out."""
    times: str | None = None
    """A column of numbers to multiply by: quantity, where the file has prices of one piece."""
    is_sum: bool = Field(default=False, alias="sum")
    """Added up over the rows of a group; otherwise the first row's value counts."""
    absolute: bool = False
    """The sign is dropped: what is given back is often written as less than nothing."""
    format: str | None = None
    zone: str = "UTC"

    @model_validator(mode="after")
    def _has_one_origin(self) -> "Cell":
        if (self.column is None) == (self.value is None):
            msg = "needs either column or value"
            raise ValueError(msg)
        if self.kind == "minor" and self.currency is None:
            msg = 'as = "minor" needs the currency, like currency = "EUR" or "{currency}"'
            raise ValueError(msg)
        return self


class When(Part):
    """When it happened: a column, how it is written (ISO 8601 by default), and in which zone."""

    column: str
    format: str | None = None
    """As Python's ``strptime`` has it, or ``epoch_s`` and ``epoch_ms`` for numbers."""
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (OSError, ValueError, LookupError):
            msg = "is not an IANA time zone, such as Europe/Berlin"
            raise ValueError(msg) from None


class Rule(Part):
    """How a row becomes one event."""

    when: tuple[Condition, ...] = ()
    type: Template
    id: Template | None = None
    """By default a hash of source and row, so that rows equal in every cell are one event."""
    source: Template | None = None
    identifiers: Annotated[tuple[Template, ...], Field(min_length=1)]
    """Those whose columns are empty are left out."""
    occurred_at: When | None = None
    data: dict[str, Cell] = {}
    lines: dict[str, Cell] = {}
    """What each row of a group adds to the list ``data.lines``."""
    personal: dict[str, Cell] = {}
    cause: Template | None = None


class Mapping(Part):
    """How a file is written, and what its rows are."""

    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Of CSV; found by looking at the heading by default."""
    group_by: str | None = None
    """Rows near each other with the same value in this column are one event."""
    events: Annotated[tuple[Rule, ...], Field(min_length=1)]


def read_mapping(path: Path) -> Mapping:
    """The mapping in a TOML or JSON file; raises ``Misconfigured``, which says what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return Mapping.model_validate(tree)
    except OSError as cause:
        raise Misconfigured(f"the mapping {path} can't be read: {cause.strerror}") from cause
    except ValidationError as cause:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in cause.errors()
        )
        raise Misconfigured(f"the mapping {path} is wrong: {problems}") from cause
    except ValueError as cause:
        raise Misconfigured(f"the mapping {path} is no TOML or JSON: {cause}") from cause


def uses(mapping: Mapping) -> set[str]:
    """The columns that ``mapping`` looks at, to tell which of a file's are left unused."""
    found = {mapping.group_by} if mapping.group_by else set()
    for rule in mapping.events:
        cells = [*rule.data.values(), *rule.lines.values(), *rule.personal.values()]
        found |= {name for cell in cells for name in (cell.column, cell.times) if name is not None}
        found |= {condition.column for condition in rule.when}
        found |= {rule.occurred_at.column} if rule.occurred_at else set()
        templates = [rule.type, rule.id, rule.source, rule.cause, *rule.identifiers]
        templates += [cell.currency for cell in cells]
        for template in templates:
            found |= set(columns_of(template or ""))
    return found


def columns_of(template: str) -> list[str]:
    """The names in braces."""
    return [piece.partition("}")[0] for piece in template.split("{")[1:]]
