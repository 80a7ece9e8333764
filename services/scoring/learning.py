"""Learning who leaves: samples at past times, each answered by what came after, split by time.

Times of learning, of putting chances right and of testing follow each other, and no answer that is
learnt from lies after the next begins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from services.scoring.model.churn import Churn, Kind, Sample, card, train
from services.scoring.model.features import NAMES, features, row
from services.scoring.model.fitting import Unfitted
from services.scoring.model.history import DAY_S, Entry
from services.scoring.model.metrics import Quality, quality
from services.scoring.trained import Asked, Leaving

EVERY_DAYS: Final = 14
"""Between one time and the next."""
TEST, PUT_RIGHT = 3, 3
"""Times of each, the latest for the test; between them as many are left out as answers take."""
MOST_LEARNT: Final = 8
"""Times that are learnt from, before those."""
CUSTOMERS: Final = 20_000
"""Who are asked of: learning takes no more from more, and a time of each costs a tenth of a ms."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model and its card."""

    model: Leaving
    card: Mapping[str, Any]


class _Times(NamedTuple):
    """Days at whose end customers are asked of, the latest first."""

    learn: Sequence[int]
    put_right: Sequence[int]
    test: Sequence[int]


def learnt(histories: Iterable[Sequence[Entry]], asked: Asked, until: int) -> Learnt | Unfitted:
    """A boosted model of who leaves, learnt from what was known by the end of day ``until``."""
    times = _times(asked, until)
    samples = _samples(histories, asked, times)
    learn, put_right, test = (samples[days] for days in times)
    left = int(test.has_left.sum())
    if not 0 < left < len(test.has_left):
        reason = f"{left} of {len(test.has_left)} left in the time to test on"
        return Unfitted(reason, len(test.has_left))
    model = train("boosted", learn, put_right)
    if isinstance(model, Unfitted):
        return model
    qualities = {"boosted": quality(model.chances(test.rows), test.has_left)}
    qualities |= _baselines(learn, put_right, test)
    return Learnt(Leaving(model, asked), card(model, qualities, about={
        "for": "ranking customers for a conversation; not for prices or refusals",
        "leaving": f"no purchase in {asked.ahead_days} days, of who bought on "
        f"{asked.purchase_days} days and in the last {asked.silence_days}",
        "learnt at": [_day(day) for day in times.learn],
        "put right at": [_day(day) for day in times.put_right],
        "tested at": [_day(day) for day in times.test],
        "learnt from": str(len(learn.rows)),
        "weak where": "few leave, seasons, and whatever the customers tested did not do",
    }))  # fmt: skip


def _times(asked: Asked, until: int) -> _Times:
    last = until - asked.ahead_days
    gap = -(-asked.ahead_days // EVERY_DAYS)
    days = [last - EVERY_DAYS * place for place in range(TEST + PUT_RIGHT + 2 * gap + MOST_LEARNT)]
    right = TEST + gap - 1
    learn = right + PUT_RIGHT + gap - 1
    return _Times(
        tuple(days[learn : learn + MOST_LEARNT]),
        tuple(days[right : right + PUT_RIGHT]),
        tuple(days[:TEST]),
    )


def _samples(
    histories: Iterable[Sequence[Entry]], asked: Asked, times: _Times
) -> Mapping[Sequence[int], Sample]:
    rows: dict[int, list[tuple[float, ...]]] = {day: [] for days in times for day in days}
    left: dict[int, list[bool]] = {day: [] for days in times for day in days}
    for _, history in zip(range(CUSTOMERS), histories, strict=False):
        for day, found, has_left in _asked_of(history, asked, [*rows]):
            rows[day].append(found)
            left[day].append(has_left)
    return {
        days: Sample(
            NAMES,
            np.array([one for day in days for one in rows[day]]).reshape(-1, len(NAMES)),
            np.array([one for day in days for one in left[day]], dtype=np.int64),
        )
        for days in times
    }


def _asked_of(
    history: Sequence[Entry], asked: Asked, days: Sequence[int]
) -> Iterator[tuple[int, tuple[float, ...], bool]]:
    bought = [entry.day for entry in history if entry.type == "purchase.completed"]
    for day in days:
        # Cheap questions first: features of most customers at most times are never asked for.
        if len({one for one in bought if one <= day}) < asked.purchase_days:
            continue
        found = features(history, day * DAY_S + DAY_S - 1)
        if asked.includes(found):
            has_left = not any(day < one <= day + asked.ahead_days for one in bought)
            yield day, row(found), has_left


def _baselines(learn: Sample, put_right: Sample, test: Sample) -> dict[str, Quality]:
    """How a logistic model does on the same test."""
    found: dict[str, Quality] = {}
    kind: Kind = "logistic"
    model = train(kind, learn, put_right)
    if isinstance(model, Churn):
        found[kind] = quality(model.chances(test.rows), test.has_left)
    return found


def _day(day: int) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date())
