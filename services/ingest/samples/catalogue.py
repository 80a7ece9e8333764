"""Which samples there are; each is imported only when it is asked for, since pyarrow is heavy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.errors import NotFound
from services.ingest.samples.event import Event


@dataclass(frozen=True, slots=True)
class Sample:
    """A data set in an installed package."""

    name: str
    title: str
    ends_at: datetime
    """When its last event happened, in the data's own time."""
    size: int
    """How many events it gives, for the progress bar."""
    events: Callable[[], Iterator[Event]]
    """Every event, in time order; the same each time."""


def _completejourney() -> Iterator[Event]:
    from services.ingest.samples import stream  # noqa: PLC0415 (pyarrow: 80 MB)

    return stream.events()


def _cdnow() -> Iterator[Event]:
    from services.ingest.samples import cdnow  # noqa: PLC0415 (only where it is asked for)

    return cdnow.events()


SAMPLES: Final = {
    sample.name: sample
    for sample in (
        Sample(
            "completejourney",
            "155,848 baskets of a grocer's 2,469 households, with simulated touches around them",
            datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC),
            285_261,
            _completejourney,
        ),
        Sample(
            "cdnow",
            "69,659 purchases of 23,570 buyers at a music shop in 18 months",
            datetime(1998, 6, 30, tzinfo=UTC),
            69_659,
            _cdnow,
        ),
    )
}


def find(name: str) -> Sample:
    """The sample ``name``; raises ``NotFound``, which lists those that there are."""
    if name not in SAMPLES:
        raise NotFound(
            "is no sample", f"choose one of {', '.join(SAMPLES)}", field="name", value=name
        )
    return SAMPLES[name]
