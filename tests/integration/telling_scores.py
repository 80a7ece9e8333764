"""What was told of scores and alerts, as it lies in the log of a house."""

from typing import Any

from schemas.codec import decode
from schemas.envelope import Recorded
from tests.integration.house import House


def decisions(house: House, of: str = "score.computed") -> list[Recorded[Any]]:
    """What was told, of the types that begin so."""
    every = [
        decode(record.payload)
        for partition, end in house.log.ends().items()
        for record in (house.log.read(partition, 0, end) if end else ())
    ]
    return [one for one in every if one.type.startswith(of)]
