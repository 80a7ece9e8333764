"""Field types that event classes share: each says its unit, its bounds and what it means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from babel.core import get_global
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.identifiers import is_blocked

STRICT: Final = ConfigDict(
    extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
)
"""Configuration of every event class: no unknown fields, no silent conversion."""

MAX_INTEGER: Final = 2**63 - 1
"""What PostgreSQL's and ClickHouse's 64-bit integers hold."""
MAX_MINOR: Final = 10**12
"""Ten trillion in a currency of two digits: sums of it stay far inside 64 bits."""
MAX_POINTS: Final = 10**12
"""Sums of it stay far inside 64 bits, as with money."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A type's description for JSON Schema, which a field's own docstring replaces."""

    text: str

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Called by pydantic; describes what is not described yet."""
        schema = handler(core)
        schema.setdefault("description", self.text)
        return schema


def instant(value: object) -> object:
    """An RFC 3339 time as UTC; other text (numbers in quotes, times without a zone) is refused."""
    if not isinstance(value, str):
        return value
    try:
        return _INSTANT.decode(f'"{value}"').astimezone(UTC)
    except (msgspec.DecodeError, OverflowError, UnicodeEncodeError):
        msg = "is not an RFC 3339 time with a zone, such as 2026-11-21T10:00:00Z"
        raise ValueError(msg) from None


def names_an_order(value: str) -> str:
    """Refuse placeholders: every purchase sent under one would be the same order."""
    if is_blocked(value.strip()):
        raise ValueError("is a placeholder and names no order")
    return value


def iso4217(value: str) -> str:
    """Refuse what is not a currency code; historical ones count, since purchases may be old."""
    if value not in get_global("all_currencies"):
        msg = "is not an ISO 4217 currency code"
        raise ValueError(msg)
    return value


def iana(value: str) -> str:
    """Refuse what is not a time zone of the IANA database."""
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, LookupError):
        msg = "is not an IANA time zone, such as Europe/Berlin"
        raise ValueError(msg) from None


def priced(amount_minor: int, currency: str | None) -> None:
    """Refuse an amount that does not say its currency."""
    if amount_minor and currency is None:
        msg = "amount_minor needs its currency"
        raise ValueError(msg)


def scalar(value: object, longest: int) -> object:
    """Refuse what is no single JSON value, text over ``longest`` characters, integers over 64 bits.

    One plain function: a union of five types would silently take a long integer for a float.
    """
    if isinstance(value, str):
        if len(value) <= longest:
            return value
        msg = f"is longer than {longest} characters"
    elif value is not None and not isinstance(value, bool | int | float):
        msg = "is not text, a number, true, false or null"
    elif fits(value):
        return value
    else:
        msg = "is a number that 64 bits can't hold: send it as text"
    raise ValueError(msg)


def fits(value: object) -> bool:
    """Whether 64 bits hold ``value``, if it is a number at all."""
    if isinstance(value, int):
        return -MAX_INTEGER - 1 <= value <= MAX_INTEGER
    return not isinstance(value, float) or math.isfinite(value)


def bounded(value: dict[str, object]) -> dict[str, object]:
    """Refuse free data with numbers that 64 bits can't hold; its depth the parser has limited."""
    found: list[dict[str, object] | list[object]] = [value]
    for outer in found:
        for inner in outer.values() if isinstance(outer, dict) else outer:
            if isinstance(inner, dict | list):
                found.append(inner)
            elif not isinstance(inner, str) and not fits(inner):
                msg = "has a number that 64 bits can't hold: send it as text"
                raise ValueError(msg)
    return value


def single(longest: int) -> tuple[PlainValidator, WithJsonSchema]:
    """How a single JSON value is validated and published."""
    types = [{"type": "string", "maxLength": longest}, {"type": "boolean"}, {"type": "number"}]
    schema = WithJsonSchema({"anyOf": [*types, {"type": "null"}]})
    return PlainValidator(partial(scalar, longest=longest)), schema


_INSTANT: Final = msgspec.json.Decoder(Annotated[datetime, msgspec.Meta(tz=True)])

At = Annotated[datetime, BeforeValidator(instant), Meaning("A time with a zone, RFC 3339")]
Day = Annotated[date, Meaning("A day in UTC, like 2026-11-21")]
Currency = Annotated[
    str,
    AfterValidator(iso4217),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"}),
    Meaning("ISO 4217 currency code, like EUR"),
]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$"), Meaning("ISO 3166 country code, like DE")]
TimeZone = Annotated[str, AfterValidator(iana), Meaning("IANA time zone, like Europe/Berlin")]
AmountMinor = Annotated[
    int, Field(ge=0, le=MAX_MINOR), Meaning("Money in minor units of the currency, like cents")
]
Points = Annotated[int, Field(ge=0, le=MAX_POINTS), Meaning("Whole loyalty points")]
Count = Annotated[int, Field(ge=0, le=10**9), Meaning("A whole number of things")]
Quantity = Annotated[int, Field(ge=1, le=10**9), Meaning("How many, at least one")]
Percent = Annotated[int, Field(ge=0, le=100), Meaning("Whole percent, 0 to 100")]
DurationS = Annotated[int, Field(ge=0, le=10**8), Meaning("Seconds")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1), Meaning("A version: 1, 2, 3 …")]
Offset = Annotated[int, Field(ge=0, le=MAX_INTEGER), Meaning("A record's place in its partition")]
Reference = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Meaning("An id in the producer's system, unique there"),
]
OrderId = Annotated[
    str,
    AfterValidator(names_an_order),
    Field(min_length=1, max_length=200),
    Meaning("The order's id in the shop, unique in the workspace"),
]
Label = Annotated[
    str, Field(min_length=1, max_length=200), Meaning("A short name or code; no personal data")
]
Url = Annotated[
    str, Field(min_length=1, max_length=2000), Meaning("An address without personal data")
]
Score = Annotated[float, Field(allow_inf_nan=False), Meaning("A score on its scale")]
IdentifierHash = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$"), Meaning("Keyed hash of an identifier, 32 hex digits")
]
Digest = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$"), Meaning("Keyed hash of a posted event, 32 hex digits")
]
Actor = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Meaning("Who decided: a key's id or a part of the platform, like key:k_7 or relay; no name"),
]
Scalar = Annotated[str | bool | int | float | None, *single(1000)]
"""One value of a mapping: text, a number, true, false or null."""
Scalars = Annotated[
    Mapping[Annotated[str, Field(min_length=1, max_length=100)], Scalar], Field(max_length=200)
]
"""A flat mapping, as of traits or evidence."""
Free = Annotated[dict[str, object], AfterValidator(bounded)]
"""Any JSON object whose numbers 64 bits hold, at most 200 levels deep as the parser has it."""
