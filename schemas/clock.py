"""The clock: the only way that time without events reaches a fold."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from schemas.fields import STRICT, At


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTicked:
    """A minute began; what time alone changes is due up to here."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    type: ClassVar[str] = "clock.ticked"
    version: ClassVar[int] = 1

    ticked_at: At
    """The minute, without seconds."""

    def summary(self) -> str:
        """One line for the timeline."""
        return f"The clock ticked {self.ticked_at:%Y-%m-%d %H:%M} UTC"
