"""Courses: what lifecycle and loyalty add to the cost of folding an event.

    python -m bench.courses [--events 100000] [--runs 3] [--profile]

The same log is folded with profiles alone (what was there before) and with all read models, in
turns, into fresh tables: first real purchases with what is simulated around them (Complete Journey,
in the order in which its load tells them), then bench.fold's newcomers, twenty thousand customers
who come to be known within a day. Cost is processor time, ours and the backend's.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from bench.fold import Filled, Run, filling, posted, profile, shown
from bench.machine import banner
from services.fold import loop
from services.fold.apply import Folds
from services.fold.read_models import ReadModels
from services.ingest.samples.catalogue import find
from services.ingest.samples.event import encode
from services.ingest.samples.load import ending_now
from services.projector.projections.profile import PROFILE

TARGET: Final = 1.6
CUSTOMERS: Final = 20_000


def journeys(count: int) -> Iterator[bytes]:
    """The first events of the sample."""
    sample = find("completejourney")
    shift = ending_now(datetime.now(UTC))(sample)
    return (encode(event, shift) for event in islice(sample.events(), count))


def compare(title: str, filled: Filled, runs: int) -> None:
    """Fold it both ways in turns, and print the ratio of the cheapest runs."""
    plainly = dataclasses.replace(filled, folds=Folds(ReadModels((PROFILE,)), filled.folds.vault))
    bare: list[Run] = []
    full: list[Run] = []
    for _ in range(runs):
        for said, way, found in (("profiles alone", plainly, bare), ("all", filled, full)):
            with way.empty() as store:
                found.append(shown(f"{title}, {said}", way.fold(store, batch=loop.BATCH)))
    before, cost = (min(run.cost_us for run in found) for found in (bare, full))
    ratio = cost / before
    verdict = "kept" if ratio <= TARGET else "MISSED"
    print(f"  {ratio:.2f} times ({cost:.1f} µs of {before:.1f}); target {TARGET:g}: {verdict}")


def measured(
    name: str,
    words: str | None,
    compare: Callable[[str, Filled, int], None],
    profile: Callable[[Filled], None],
) -> None:
    """Compare, and profile if asked to, by real purchases and by newcomers."""
    parser = argparse.ArgumentParser(
        description=words, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="by step and by statement")
    given = parser.parse_args()
    banner(name)
    logs = ("journeys", journeys(given.events)), ("newcomers", posted(given.events, CUSTOMERS))
    for title, raws in logs:
        with filling(raws) as filled:
            compare(title, filled, given.runs)
            if given.profile:
                profile(filled)


if __name__ == "__main__":
    measured("courses", __doc__, compare, profile)
