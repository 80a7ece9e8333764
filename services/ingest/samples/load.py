"""Load a sample: shifted once, then the same events however often it is asked for."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Final

from services.ingest.load import (
    Destination,
    Loaded,
    Mark,
    Origin,
    Progress,
    find_mark,
    keep_mark,
    load,
)
from services.ingest.samples.catalogue import Sample, find
from services.ingest.samples.event import items
from services.ingest.samples.shift import Shift

SHIFT: Final = "days="


def load_sample(
    name: str,
    destination: Destination,
    *,
    shift_for: Callable[[Sample], Shift],
    progress: Progress,
) -> Loaded:
    """Load the sample ``name``, or what is left of it.

    The first load fixes the shift, as an event's id never stands for another time again:
    ``shift_for`` is asked only then. Raises ``NotFound`` for an unknown name, ``Misconfigured``
    where its package is missing.
    """
    sample = find(name)
    key = f"sample {name}"
    mark = find_mark(destination.marks, key)
    if mark is None:
        mark = Mark(note=f"{SHIFT}{shift_for(sample).days}")
        keep_mark(destination.marks, key, mark)
    if mark.is_done:
        return Loaded(mark)
    shift = Shift(int(mark.note.removeprefix(SHIFT)))
    left = islice(items(sample.events(), shift), mark.records, None)
    return load(left, destination, Origin(name, key, mark), progress=progress)


def ending_now(now: datetime) -> Callable[[Sample], Shift]:
    """Shifts a sample so that it ends less than a day before ``now``."""
    return lambda sample: Shift.to_end_by(sample.ends_at, now)


def keeping_dates(_sample: Sample) -> Shift:
    """Leaves every sample in its own years."""
    return Shift()
