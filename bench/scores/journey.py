"""Complete Journey: households of a grocer, their features at times and whether they then left.

Leaving means: no basket in the 28 days after. Asked of are those who have bought on four days and
once in the last 56 days: whoever is gone already is no warning. Learning, putting right and testing
follow each other in time, and no answer that is learnt from lies after the next begins.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

import numpy as np

from services.ingest.samples import completejourney, grocer
from services.scoring.model.churn import Sample
from services.scoring.model.features import NAMES, features, row
from services.scoring.model.history import DAY_S, Entry
from services.scoring.model.purchases import Observed, observe

AHEAD_DAYS: Final = 28
ASKED_DAYS: Final = 56
ASKED_PURCHASES: Final = 4


def _every_fortnight(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(14 * n) for n in range((last - first).days // 14 + 1))


LEARN: Final = _every_fortnight(date(2017, 4, 1), date(2017, 7, 3))
PUT_RIGHT: Final = _every_fortnight(date(2017, 8, 1), date(2017, 9, 2))
TEST: Final = _every_fortnight(date(2017, 10, 1), date(2017, 12, 3))

Histories = Mapping[int, Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Features and answers, with whom and when each row is of."""

    sample: Sample
    who: tuple[tuple[int, date], ...]


@cache
def histories() -> Histories:
    """Real events only: baskets, mailings and redeemed coupons; no touch that was simulated."""
    found: defaultdict[int, list[Entry]] = defaultdict(list)
    for basket in completejourney.baskets():
        order = str(basket.id)
        found[basket.household].append(
            Entry(basket.at, "purchase.completed", "grocer", order, order,
                  float(basket.amount_minor), "USD")
        )  # fmt: skip
    for letter, household in grocer.mailings(None):
        found[household].append(Entry(letter.at, letter.type, letter.source, letter.id))
    rewards, _ = grocer.redemptions(None)
    for event in rewards:
        household = int(event.identifiers[0].rpartition("-")[2])
        found[household].append(Entry(event.at, event.type, event.source, event.id))
    return {household: sorted(entries) for household, entries in found.items()}


def ask(days: Sequence[date]) -> Asked:
    """Everybody who is asked of on ``days``."""
    rows, left, who = [], [], []
    for household, entries in histories().items():
        bought = [entry.at_s for entry in entries if entry.type == "purchase.completed"]
        for day, at_s in _asked(days, bought):
            rows.append(row(features(entries, at_s)))
            left.append(not any(at_s < at <= at_s + AHEAD_DAYS * DAY_S for at in bought))
            who.append((household, day))
    return Asked(Sample(NAMES, np.array(rows), np.array(left, dtype=np.int64)), tuple(who))


def observed(at: date) -> Observed:
    """Purchases of all households before the day ``at`` begins, for the models of buying."""
    rows = [
        (household, entry.day, entry.value)
        for household, entries in histories().items()
        for entry in entries
        if entry.type == "purchase.completed"
    ]
    households, days, amounts = zip(*rows, strict=True)
    return observe(households, days, amounts, until=_midnight_s(at) // DAY_S - 1)


def _asked(days: Sequence[date], bought: Sequence[int]) -> Iterator[tuple[date, int]]:
    for day in days:
        at_s = _midnight_s(day)
        until = [at for at in bought if at <= at_s]
        is_recent = bool(until) and until[-1] > at_s - ASKED_DAYS * DAY_S
        if is_recent and len({at // DAY_S for at in until}) >= ASKED_PURCHASES:
            yield day, at_s


def _midnight_s(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_S
