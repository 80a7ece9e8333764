"""Catalogue: every score, its scale and bands, and when a change of it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Name: TypeAlias = Literal[
    "engagement",
    "temperature",
    "health",
    "satisfaction",
    "rfm",
    "churn_risk",
    "p_alive",
    "expected_purchases",
    "lifetime_value",
]


@dataclass(frozen=True, slots=True)
class Band:
    """A range of a score, from ``least`` on."""

    name: str
    least: float


@dataclass(frozen=True, slots=True)
class Scale:
    """How a score is read."""

    unit: str
    model: str = ""
    """The trained model that gives it; else its own name, of the version below."""
    bands: tuple[Band, ...] = ()
    """From the highest to the lowest; none where the model brings its own."""
    stranger: str | None = None
    """The band of whom nothing is known: no news of a newcomer."""

    def band(self, value: float) -> str:
        """The name of the range that ``value`` lies in."""
        for one in self.bands:
            if value >= one.least:
                return one.name
        return self.bands[-1].name


def _bands(**least: float) -> tuple[Band, ...]:
    return tuple(Band(name, value) for name, value in least.items())


RULES_VERSION: Final = "1"
"""Of the scores that no model is trained for; raised when the same events give others."""
SCALES: Final[Mapping[Name, Scale]] = {
    "engagement": Scale("points of 100", bands=_bands(high=50, medium=20, low=0), stranger="low"),
    "temperature": Scale("points of 100", bands=_bands(hot=60, warm=25, cold=0), stranger="cold"),
    "health": Scale("points of 100", bands=_bands(healthy=70, watch=40, risk=0), stranger="watch"),
    "satisfaction": Scale("points of 100", bands=_bands(satisfied=75, mixed=50, dissatisfied=0)),
    "rfm": Scale("fifths of recency, frequency and monetary", "rfm"),
    "churn_risk": Scale("probability", "churn", _bands(high=0.5, medium=0.2, low=0)),
    "p_alive": Scale("probability", "buying", _bands(active=0.8, fading=0.4, gone=0)),
    "expected_purchases": Scale("purchases within 52 weeks", "buying"),
    "lifetime_value": Scale("minor units of the currency, of 52 weeks", "buying"),
}
"""In the order in which they are shown. Engagement's, satisfaction's and the probabilities' bands
are a judgement; temperature's and health's are their models'."""


def model_of(name: Name, versions: Mapping[str, str]) -> tuple[str, str]:
    """What a score comes from, and its version among these of trained models."""
    model = SCALES[name].model
    return (model, versions[model]) if model else (name, RULES_VERSION)
