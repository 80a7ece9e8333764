"""Metrics: how well chances foretold what happened."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from services.errors import Refused
from services.scoring.model.purchases import Floats, Integers


@dataclass(frozen=True, slots=True)
class Bin:
    """Customers of about one chance: what was foretold, and what share of them left."""

    foretold: float
    happened: float
    customers: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Of chances, on customers that the model never saw."""

    customers: int
    left: int
    auc: float
    average_precision: float
    brier: float
    lift_10: float
    """Share of leavers in the tenth at highest risk, against the share among all."""
    calibration: tuple[Bin, ...]


def quality(chances: Floats, has_left: Integers) -> Quality:
    """All metrics; raises ``Refused`` where nobody left or nobody stayed: there is nothing to tell.

    AUC by ranks, ties halved (Hanley, McNeil 1982); average precision as the mean of precision at
    each step of recall, ties taken as one step; Brier (1950).
    """
    left = int(has_left.sum())
    if not 0 < left < len(has_left):
        raise Refused(
            f"has {left} of {len(has_left)} who left",
            "take a longer time, in which some leave and some stay",
            field="has_left",
        )
    return Quality(
        customers=len(has_left),
        left=left,
        auc=auc(chances, has_left),
        average_precision=average_precision(chances, has_left),
        brier=float(np.mean((chances - has_left) ** 2)),
        lift_10=lift(chances, has_left, share=0.1),
        calibration=calibration(chances, has_left),
    )


def auc(chances: Floats, has_left: Integers) -> float:
    left = float(has_left.sum())
    ranks = float(rankdata(chances)[has_left == 1].sum())
    return (ranks - left * (left + 1) / 2) / (left * (len(has_left) - left))


def average_precision(chances: Floats, has_left: Integers) -> float:
    order = np.argsort(-chances, kind="stable")
    hits = np.cumsum(has_left[order])
    ends = np.append(np.flatnonzero(np.diff(chances[order])), len(order) - 1)
    precision = hits[ends] / (ends + 1)
    steps = np.diff(np.append(0, hits[ends])) / hits[-1]
    return float(precision @ steps)


def lift(chances: Floats, has_left: Integers, *, share: float) -> float:
    """Leavers in the ``share`` at highest risk, against all; who tie at its end counts in part."""
    wanted = share * len(chances)
    distinct, inverse = np.unique(-chances, return_inverse=True)
    counts = np.bincount(inverse, minlength=len(distinct))
    leavers = np.bincount(inverse, has_left, minlength=len(distinct))
    before = np.cumsum(counts) - counts
    taken = np.clip((wanted - before) / counts, 0, 1)
    return float((taken @ leavers / wanted) / has_left.mean())


def calibration(chances: Floats, has_left: Integers, bins: int = 10) -> tuple[Bin, ...]:
    """Customers in ``bins`` of about equal size, by chance."""
    order = np.argsort(chances, kind="stable")
    return tuple(
        Bin(float(chances[part].mean()), float(has_left[part].mean()), len(part))
        for part in np.array_split(order, bins)
        if len(part)
    )
