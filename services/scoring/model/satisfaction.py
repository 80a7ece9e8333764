"""Satisfaction: NPS, CSAT and CES of many answers, each with an interval of confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtri

from services.errors import Refused

PROMOTER: Final = 9
DETRACTOR: Final = 6
"""Of 10; what lies between is passive (Reichheld 2003, The One Number You Need to Grow)."""
CONTENT: Final = 4
"""Of 5: satisfied, and very satisfied."""
EASY: Final = 5
"""Of 7: somewhat agrees that it was made easy, and more (CES 2.0)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure, and between which two it lies with the confidence asked for."""

    value: float
    low: float
    high: float
    answers: int


def nps(scores: Sequence[float], *, confidence: float = 0.95) -> Measured | None:
    """Net promoter score from -100 to 100, of answers from 0 to 10; None without any.

    Its interval is adjusted as by Agresti and Min (2005, Simple Improved Confidence Intervals for
    Comparing Matched Proportions): half an answer is added to promoters and to detractors, a whole
    one to the others. Rocks (2016, Interval Estimation for the Net Promoter Score) compares it with
    Wald's plain one, which is +-0 where all answers are alike.
    """
    _on_scale(scores, 0, 10)
    if not scores:
        return None
    promoters = sum(score >= PROMOTER for score in scores)
    detractors = sum(score <= DETRACTOR for score in scores)
    n = len(scores)
    wider = n + 2
    up, down = (promoters + 0.5) / wider, (detractors + 0.5) / wider
    half = _z(confidence) * max(up + down - (up - down) ** 2, 0.0) ** 0.5 / wider**0.5
    value, middle = (promoters - detractors) / n, up - down
    low, high = max(middle - half, -1.0), min(middle + half, 1.0)
    return Measured(100 * value, 100 * min(low, value), 100 * max(high, value), n)


def csat(scores: Sequence[float], *, confidence: float = 0.95) -> Measured | None:
    """Per cent of answers from 1 to 5 that are 4 or 5; None without any."""
    return _share(scores, (1, 5), CONTENT, confidence)


def ces(scores: Sequence[float], *, confidence: float = 0.95) -> Measured | None:
    """Per cent of answers from 1 to 7 (7: it was easy) that are 5 or more; None without any.

    Dixon, Freeman, Toman (2010), Stop Trying to Delight Your Customers, in its version 2.0.
    """
    return _share(scores, (1, 7), EASY, confidence)


def _share(
    scores: Sequence[float], scale: tuple[float, float], good: float, confidence: float
) -> Measured | None:
    """The share of good answers, with Wilson's interval (1927, Probable Inference, page 209)."""
    low, high = scale
    _on_scale(scores, low, high)
    if not scores:
        return None
    n, z = len(scores), _z(confidence)
    share = sum(score >= good for score in scores) / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # Rounding may put an end of the interval a hair inside a share of nothing or of all.
    low, high = min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
    return Measured(100 * share, 100 * low, 100 * high, n)


def _on_scale(scores: Sequence[float], low: float, high: float) -> None:
    for at, score in enumerate(scores):
        if not low <= score <= high:
            raise Refused(
                f"is not on the scale from {low:g} to {high:g}",
                "convert answers to this scale first",
                field=f"scores.{at}",
                value=score,
            )


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise Refused("is no confidence", "give a share like 0.95", field="confidence")
    return float(ndtri((1 + confidence) / 2))
