"""An event of a sample before it is posted: its time still the data's own."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

import msgspec

from services.ingest.load import Item
from services.ingest.samples.shift import Shift

Value: TypeAlias = (
    str | int | float | bool | list[str] | list[dict[str, str | int]] | dict[str, str] | None
)


class Event(NamedTuple):
    """One event; the order of the fields makes tuples sort by time, then id."""

    at: int
    """Seconds since 1970."""
    id: str
    source: str
    type: str
    identifiers: tuple[str, ...]
    data: dict[str, Value]
    personal: dict[str, str] | None = None
    cause: str | None = None


def encode(event: Event, shift: Shift) -> bytes:
    """The JSON that a producer would post."""
    posted: dict[str, object] = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "occurred_at": shift.time(event.at),
        "identifiers": event.identifiers,
        "data": event.data,
    }
    if event.personal is not None:
        posted["personal"] = event.personal
    if event.cause is not None:
        posted["cause"] = event.cause
    return msgspec.json.encode(posted)


def items(events: Iterable[Event], shift: Shift) -> Iterator[Item]:
    """``events`` as the loading loop takes them."""
    for number, event in enumerate(events, 1):
        yield Item(encode(event, shift), number, number)


def seconds(year: int, month: int, day: int) -> int:
    """Midnight UTC of a day, in seconds since 1970."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())
