"""Trained: models as they are stored, and what they say of customers.

The heavy libraries are asked for here and in what this imports: who has no trained model does
without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, Final, Self

import numpy as np

from services.errors import Misconfigured
from services.scoring.catalogue import Name
from services.scoring.model import bg_nbd, clv, gamma_gamma, rfm
from services.scoring.model.bg_nbd import BgNbd
from services.scoring.model.features import Features, row
from services.scoring.model.gamma_gamma import GammaGamma
from services.scoring.model.purchases import Floats, Purchases
from services.scoring.spending import Spending

RFM: Final = "rfm"
BUYING: Final = "buying"
CHURN: Final = "churn"
MODELS: Final = (RFM, BUYING, CHURN)
"""Every model that is trained, in the order in which they are."""
WEEKS: Final = 52
"""How far ahead purchases and value are expected."""


@dataclass(frozen=True, slots=True)
class Fifths:
    """RFM: where the fifths of a population ended."""

    currency: str
    cuts: rfm.Cuts

    def scores(self, spent: Sequence[Spending], days: Sequence[int]) -> rfm.Scores:
        """Of customers on these days."""
        bought = rfm.Bought(
            np.array([day - one.days[-1] for one, day in zip(spent, days, strict=True)], np.int64),
            np.array([len(one.days) for one in spent], np.int64),
            np.array([one.monetary_minor for one in spent], np.int64),
        )
        return rfm.score(bought, self.cuts)

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it, which knows no infinity: where a fifth ends that has nobody."""
        recency, frequency, monetary = map(_finite, astuple(self.cuts))
        return {
            "currency": self.currency,
            "recency_days": recency,
            "frequency": frequency,
            "monetary_minor": monetary,
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The fifths that ``stored`` was made of."""
        recency, frequency, monetary = (
            tuple(-np.inf if end is None else float(end) for end in stored[name])
            for name in ("recency_days", "frequency", "monetary_minor")
        )
        return cls(stored["currency"], rfm.Cuts(recency, frequency, monetary))  # type: ignore[arg-type] # four of each


@dataclass(frozen=True, slots=True)
class Expected:
    """What the models of buying say, one entry a customer."""

    alive: Floats
    purchases: Floats
    value_minor: Floats


@dataclass(frozen=True, slots=True)
class Buying:
    """BG/NBD and Gamma-Gamma together, with the bands of what they expect."""

    currency: str
    rate: BgNbd
    spend: GammaGamma
    terms: clv.Terms
    bands: Mapping[str, tuple[float, float]]
    """From where on a score is medium, and high: fifths of who it was trained on."""

    def expected(self, purchases: Purchases, mean_minor: Floats) -> Expected:
        """Of customers with these purchases, and this mean of a repeat day."""
        return Expected(
            bg_nbd.alive(self.rate, purchases),
            bg_nbd.expected(self.rate, purchases, WEEKS),
            clv.lifetime_value(
                lambda weeks: bg_nbd.expected(self.rate, purchases, weeks),
                gamma_gamma.expected_spend(self.spend, purchases.frequency, mean_minor),
                self.terms,
            ),
        )

    def of(self, spent: Sequence[Spending], days: Sequence[int]) -> Expected:
        """Of customers on these days."""
        return self.expected(purchases_of(spent, days), np.array([one.mean_minor for one in spent]))

    def band(self, name: Name, value: float) -> str:
        """The range that a score lies in."""
        medium, high = self.bands[name]
        if value >= high:
            return "high"
        return "medium" if value >= medium else "low"

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it."""
        bands = {name: list(ends) for name, ends in self.bands.items()}
        return {
            "currency": self.currency, "bg_nbd": asdict(self.rate),
            "gamma_gamma": asdict(self.spend), "terms": asdict(self.terms),
            "bands": bands,
        }  # fmt: skip

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The models that ``stored`` was made of."""
        bands = {name: (float(low), float(high)) for name, (low, high) in stored["bands"].items()}
        return cls(
            stored["currency"],
            BgNbd(**stored["bg_nbd"]),
            GammaGamma(**stored["gamma_gamma"]),
            clv.Terms(**stored["terms"]),
            bands,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a churn model is asked of, and what leaving means."""

    purchase_days: int = 4
    """Who bought on fewer days has no rhythm to fall out of."""
    silence_days: int = 56
    """Who was silent for longer is gone already: that is no warning."""
    ahead_days: int = 28
    """Leaving is buying nothing for so long."""

    def includes(self, found: Features) -> bool:
        """Whether it is asked of a customer with these features."""
        is_regular = found.purchase_days >= self.purchase_days
        return is_regular and found.silence_days <= self.silence_days


@dataclass(frozen=True, slots=True)
class Leaving:
    """A churn model, and whom it is asked of."""

    model: Any
    """A ``services.scoring.model.churn.Churn``."""
    asked: Asked

    def risks(self, found: Sequence[Features]) -> list[float]:
        """The chance to leave of each."""
        if not found:
            return []
        chances: list[float] = self.model.chances(np.array([row(one) for one in found])).tolist()
        return chances

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it."""
        purchase_days, silence_days, ahead_days = astuple(self.asked)
        return {
            "purchase_days": purchase_days, "silence_days": silence_days,
            "ahead_days": ahead_days, "churn": self.model.stored(),
        }  # fmt: skip

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The model that ``stored`` was made of."""
        # scikit-learn takes 60 MB and a second, which only who promoted such a model shall pay.
        from services.scoring.model import churn  # noqa: PLC0415

        asked = Asked(stored["purchase_days"], stored["silence_days"], stored["ahead_days"])
        return cls(churn.restored(stored["churn"]), asked)


@dataclass(frozen=True, slots=True)
class Trained:
    """The models of a workspace that score, with their versions."""

    versions: Mapping[str, str]
    rfm: Fifths | None = None
    buying: Buying | None = None
    churn: Leaving | None = None


def restored(stored: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Trained:
    """The models by name, of version and parameters; raises ``Misconfigured`` for damaged ones."""
    try:
        versions = {model: version for model, (version, _) in stored.items()}
        own = {model: parameters for model, (_, parameters) in stored.items()}
        return Trained(
            versions,
            Fifths.restored(own[RFM]) if RFM in own else None,
            Buying.restored(own[BUYING]) if BUYING in own else None,
            Leaving.restored(own[CHURN]) if CHURN in own else None,
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise Misconfigured(
            f"a stored model lacks or garbles {wrong}: train and promote another"
        ) from wrong


def purchases_of(spent: Sequence[Spending], days: Sequence[int]) -> Purchases:
    """As the models of buying ask, on these days."""
    return Purchases.of(
        [one.repeats for one in spent],
        [one.recency_weeks for one in spent],
        [one.age_weeks(day) for one, day in zip(spent, days, strict=True)],
    )


def _finite(ends: Sequence[float]) -> list[float | None]:
    return [end if np.isfinite(end) else None for end in ends]
