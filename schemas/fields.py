"""Field types that event classes share: each says its unit, its bounds and what it means."""

import re
from datetime import datetime
from typing import Annotated, Final

from babel.core import get_global
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

STRICT: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""Configuration of every event class: no unknown fields, no silent conversion."""

MAX_MINOR: Final = 10**15
"""Ten trillion in a currency of two digits: sums of it stay far inside 64 bits."""

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


def rfc3339(value: object) -> object:
    """Refuse numbers in quotes, which pydantic would read as seconds or milliseconds by their size."""
    if isinstance(value, str) and not _RFC3339.match(value):
        msg = "is not an RFC 3339 time such as 2026-11-21T10:00:00Z"
        raise ValueError(msg)
    return value


def iso4217(value: str) -> str:
    """Refuse what is not a currency code; historical ones count, since purchases may be old."""
    if value not in get_global("all_currencies"):
        msg = "is not an ISO 4217 currency code"
        raise ValueError(msg)
    return value


At = Annotated[AwareDatetime, BeforeValidator(rfc3339)]
"""A time with a zone, RFC 3339."""
Currency = Annotated[str, AfterValidator(iso4217), Field(description="ISO 4217 currency code, like EUR")]
AmountMinor = Annotated[
    int, Field(ge=0, le=MAX_MINOR, description="money in minor units of the currency, like cents")
]
Count = Annotated[int, Field(ge=0, le=10**9, description="a whole number of things")]
Quantity = Annotated[int, Field(ge=1, le=10**9, description="how many, at least one")]
DurationS = Annotated[int, Field(ge=0, le=10**8, description="seconds")]
Reference = Annotated[
    str, Field(min_length=1, max_length=200, description="an id in the producer's system, unique there")
]
Label = Annotated[str, Field(min_length=1, max_length=200, description="a short name or code; no personal data")]
Url = Annotated[str, Field(min_length=1, max_length=2000, description="an address without personal data")]
Score = Annotated[float, Field(allow_inf_nan=False, description="a score on its scale")]
