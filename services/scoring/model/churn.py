"""Churn: the chance that a customer leaves, calibrated, with the reasons, as JSON can store it.

Two models of the same features: a logistic one, and gradient boosted trees. Each learns from
customers at times that are past, and its chances are put right (Platt 1999, Probabilistic Outputs
for Support Vector Machines) on later ones that it did not learn from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from scipy.special import expit

from services.errors import Misconfigured
from services.scoring.model import boosting
from services.scoring.model.explanation import Contribution, Explained, explained
from services.scoring.model.fitting import Unfitted
from services.scoring.model.metrics import Quality
from services.scoring.model.purchases import Floats, Integers
from services.scoring.model.trees import Trees

LEAST: Final = 20
"""Customers who left, and who stayed, below which nothing is learnt from them."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Log odds as a sum: each feature less its mean, times its weight."""

    base: float
    means: Floats
    weights: Floats

    def log_odds(self, rows: Floats) -> Floats:
        return np.asarray(self.base + (rows - self.means) @ self.weights)

    def contributions(self, row: Floats) -> tuple[float, Floats]:
        return self.base, (row - self.means) * self.weights

    def stored(self) -> dict[str, Any]:
        return {
            "base": self.base, "means": self.means.tolist(), "weights": self.weights.tolist()
        }  # fmt: skip


Learnt: TypeAlias = Linear | Trees
Kind: TypeAlias = Literal["logistic", "boosted"]


@dataclass(frozen=True, slots=True)
class Churn:
    """A model that was trained: features by name, what was learnt, and how it was put right."""

    names: tuple[str, ...]
    learnt: Learnt
    slope: float
    offset: float

    def chances(self, rows: Floats) -> Floats:
        """The chance to leave of each of ``rows``, in the order of ``names``."""
        return np.asarray(expit(self.offset + self.slope * self.learnt.log_odds(rows)))

    def explain(self, row: Floats) -> Explained:
        """The log odds of leaving, and what each feature added to them or took from them."""
        base, parts = self.learnt.contributions(row)
        return explained(
            self.offset + self.slope * base,
            (
                Contribution(name, float(self.slope * part), {"value": float(value)})
                for name, part, value in zip(self.names, parts, row, strict=True)
                if part
            ),
        )

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it, to the last digit."""
        kind: Kind = "logistic" if isinstance(self.learnt, Linear) else "boosted"
        return {
            "kind": kind,
            "names": list(self.names),
            "slope": self.slope,
            "offset": self.offset,
            "learnt": self.learnt.stored(),
        }

    @property
    def version(self) -> str:
        """A name for exactly these parameters."""
        text = json.dumps(self.stored(), sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers at times: features, and whether they had left by the end of what followed."""

    names: tuple[str, ...]
    rows: Floats
    has_left: Integers

    def is_enough(self) -> bool:
        left = int(self.has_left.sum())
        return min(left, len(self.has_left) - left) >= LEAST


def train(kind: Kind, learn: Sample, put_right: Sample) -> Churn | Unfitted:
    """A model learnt from ``learn``, its chances put right on the later ``put_right``."""
    for part, sample in (("to learn from", learn), ("to put chances right on", put_right)):
        if not sample.is_enough():
            reason = f"fewer than {LEAST} who left, or who stayed, {part}"
            return Unfitted(reason, len(sample.has_left))
    learnt: Learnt
    if kind == "boosted":
        learnt = boosting.grow(learn.rows, learn.has_left)
    else:
        found = _linear(learn)
        if isinstance(found, Unfitted):
            return found
        learnt = found
    platt = _logistic(C=1e6).fit(learnt.log_odds(put_right.rows)[:, None], put_right.has_left)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:
        return Unfitted("later customers contradict what was learnt", len(put_right.has_left))
    return Churn(learn.names, learnt, slope, offset)


def restored(stored: Mapping[str, Any]) -> Churn:
    """The model that ``stored`` was made of; raises ``Misconfigured`` where it is no model."""
    try:
        learnt: Learnt
        if stored["kind"] == "boosted":
            learnt = Trees.restored(stored["learnt"])
        else:
            within = stored["learnt"]
            learnt = Linear(
                float(within["base"]), np.asarray(within["means"]), np.asarray(within["weights"])
            )
        return Churn(
            tuple(stored["names"]), learnt, float(stored["slope"]), float(stored["offset"])
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise Misconfigured(f"the stored model lacks or garbles {wrong}: train it again") from wrong


def card(
    model: Churn, qualities: Mapping[str, Quality], *, about: Mapping[str, str | Sequence[str]]
) -> dict[str, Any]:
    """The model card (Mitchell and others 2019, Model Cards for Model Reporting).

    ``about`` says what only who trains can say: data and its licence, what leaving means, the times
    of learning and testing, what the model is for and where it is weak.
    """
    return {
        "model": "churn",
        "version": model.version,
        "kind": model.stored()["kind"],
        "features": list(model.names),
        **about,
        "metrics": {name: asdict(one) for name, one in qualities.items()},
    }


def _logistic(**settings: Any) -> Any:  # sklearn ships no types
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a second, for who fits

    return LogisticRegression(**settings)


def _linear(learn: Sample) -> Linear | Unfitted:
    means, scales = learn.rows.mean(axis=0), learn.rows.std(axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    steps = 2_000
    found = _logistic(C=0.1, max_iter=steps).fit((learn.rows - means) / scales, learn.has_left)
    if int(found.n_iter_[0]) >= steps:
        return Unfitted("the logistic model did not settle", len(learn.has_left), steps)
    return Linear(float(found.intercept_[0]), means, found.coef_[0] / scales)
