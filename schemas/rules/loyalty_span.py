"""Spans of calendar time: so many days or months, counted at a wall clock."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from schemas.fields import STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """So many days or so many months, as ``{ days = 30 }`` or ``{ months = 12 }``."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    days: Annotated[int, Field(ge=0, le=3660)] = 0
    """To the same wall time, so many days later."""
    months: Annotated[int, Field(ge=0, le=120)] = 0
    """To the same wall time of the same day so many months later, or of that month's last."""

    def __post_init__(self) -> None:
        """Refuse both at once."""
        if self.days and self.months:
            msg = "has days and months: give one of them"
            raise ValueError(msg)

    def __bool__(self) -> bool:
        """Whether any time passes in it."""
        return bool(self.days or self.months)
