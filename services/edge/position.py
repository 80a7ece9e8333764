"""Positions as text: opaque to callers, given in ``Touchline-Position``, taken in ``Touchline-Wait-For``."""

import re
from typing import Final

from services.errors import Refused
from services.log.port import Position

HEADER: Final = "Touchline-Position"
WAIT_FOR: Final = "Touchline-Wait-For"
_SHAPE: Final = re.compile(r"(?:\d{1,5}\.\d{1,18})(?:-\d{1,5}\.\d{1,18})*")


def encode(position: Position) -> str:
    """``position`` as one header-safe word; empty when it names no partition."""
    return "-".join(f"{partition}.{offset}" for partition, offset in sorted(position.items()))


def decode(text: str) -> Position:
    """The position that ``encode`` wrote; raises ``Refused`` for any other text."""
    if not text:
        return {}
    if not _SHAPE.fullmatch(text):
        raise Refused(
            "is no position of ours",
            "send back what Touchline-Position said",
            field=WAIT_FOR,
            value=text[:100],
        )
    pairs = (pair.split(".") for pair in text.split("-"))
    return {int(partition): int(offset) for partition, offset in pairs}
