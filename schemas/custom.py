"""Events of the producers' own making: named ``custom.<name>``, with data that only they know."""

import re
from dataclasses import dataclass, field
from typing import ClassVar, Final

from pydantic import ConfigDict

from schemas.fields import STRICT, Free

PREFIX: Final = "custom."
_NAME: Final = re.compile(r"\w+([.-]\w+)*", re.UNICODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A type that the catalogue does not know; its data may name people and is sealed whole."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "custom"
    version: ClassVar[int] = 1

    name: str
    """What follows ``custom.`` in the event's type."""
    data: Free = field(default_factory=dict)
    """As posted; empty once recorded, since it rests in the sealed part."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"Custom event {self.name}"


def custom_name(type_: str) -> str | None:
    """The name of a custom event's type, or None for any other: words joined by dots or dashes."""
    name = type_.removeprefix(PREFIX)
    is_name = name != type_ and _NAME.fullmatch(name) and name == name.lower()
    return name if is_name else None
