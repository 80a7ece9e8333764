"""Backtest: whom a rule would have alerted, how many a day, and how many of them really left.

The rule is lived through each whole history, as if it had always been in force, and the alerts
raised in the period count. Nothing after an instant is looked at to decide it. Precision is of
alerts whose outcome is known; who had left before is a wrong alert. Recall is of those whose
leaving was declared in the period: found, if an alert foretold it. Lead time is from the first
alert that foretold it until it was declared.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from schemas.rules.alerts_tree import Alert
from services.errors import Refused
from services.scoring.model.history import DAY_S
from services.scoring.rules.book import Rulebook
from services.scoring.rules.episodes import episodes
from services.scoring.rules.leaving import Departure, Leaving, Outcome, Purchased, purchased
from services.scoring.rules.life import Life
from services.scoring.rules.stages import NOWHERE, Eras


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant until before another, with all that is known until a third."""

    from_s: int
    to_s: int
    known_until_s: int

    def __post_init__(self) -> None:
        """Refuse an empty one, and one whose end is not known yet."""
        if self.from_s >= self.to_s:
            raise Refused("is not after from", "swap them", field="to", value=self.to_s)
        if self.known_until_s < self.to_s:
            remedy = "end the period before it"
            raise Refused("is before to", remedy, field="known_until", value=self.known_until_s)

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.to_s - self.from_s) / DAY_S


class Alerted(NamedTuple):
    """An alert that would have been raised."""

    raised_s: int
    customer: str
    outcome: Outcome


class Found(NamedTuple):
    """Somebody who left, and the first alert that foretold it."""

    customer: str
    departure: Departure
    raised_s: int | None

    @property
    def lead_days(self) -> float | None:
        """From the alert until it was sure that they had left."""
        if self.raised_s is None:
            return None
        return (self.departure.declared_s - self.raised_s) / DAY_S


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rule would have found; None where nothing can be divided by."""

    customers: int
    """Who had bought before the period ended and had not left when it began."""
    alerts: tuple[Alerted, ...]
    """In time order."""
    departures: tuple[Found, ...]
    """Who left in the period."""
    alerts_a_day: float
    most_a_day: int
    outcomes: Mapping[Outcome, int]
    precision: float | None
    """Of alerts whose outcome is known, the share of those who then left."""
    recall: float | None
    """Of those who left, the share of those for whom an alert said so before."""
    lead_days: float | None
    """Median, of those found."""
    base_rate: float | None
    """The share of ``customers`` who left in the period: precision of alerting everybody."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule against another, over the same histories."""

    only_new: tuple[str, ...]
    """Customers whom the new rule alerts and the old one does not."""
    only_old: tuple[str, ...]
    both: int
    alerts_a_day: float
    """More than by the old rule; less where negative, as are the others."""
    precision: float | None
    recall: float | None
    lead_days: float | None


def backtest(
    rule: Alert,
    lives: Iterable[tuple[str, Life]],
    period: Period,
    left: Leaving,
    *,
    eras: Eras = NOWHERE,
) -> Backtest:
    """Live ``rule`` through ``lives`` (customers' ids and what is known of them)."""
    book = Rulebook("backtest", [(None, 1, rule)], eras)
    alerts: list[Alerted] = []
    departures: list[Found] = []
    customers = 0
    for customer, life in lives:
        known = purchased(life, left, period.known_until_s)
        customers += _was_there(known, period)
        raised = [
            one.raised_s
            for one in episodes(book, life, period.to_s - 1)
            if one.raised_s is not None
        ]
        alerts += [
            Alerted(at_s, customer, known.outcome(at_s)) for at_s in raised if at_s >= period.from_s
        ]
        departures += [
            Found(customer, one, _foretold(known, one, raised))
            for one in known.departures
            if period.from_s <= one.declared_s < period.to_s
        ]
    alerts.sort()
    departures.sort()
    return _counted(customers, alerts, departures, period)


def compared(new: Backtest, old: Backtest) -> Comparison:
    """What would be otherwise with ``new`` in the place of ``old``."""
    ours = {one.customer for one in new.alerts}
    theirs = {one.customer for one in old.alerts}
    return Comparison(
        tuple(sorted(ours - theirs)),
        tuple(sorted(theirs - ours)),
        len(ours & theirs),
        new.alerts_a_day - old.alerts_a_day,
        _less(new.precision, old.precision),
        _less(new.recall, old.recall),
        _less(new.lead_days, old.lead_days),
    )


def _was_there(known: Purchased, period: Period) -> bool:
    before = [day for day in known.days if day * DAY_S < period.to_s]
    has_left = any(
        one.last_day == before[-1] and one.declared_s <= period.from_s for one in known.departures
    ) if before else True  # fmt: skip
    return not has_left


def _foretold(known: Purchased, departure: Departure, raised: Iterable[int]) -> int | None:
    return next((at_s for at_s in raised if known.departure_after(at_s) == departure), None)


def _counted(
    customers: int, alerts: list[Alerted], departures: list[Found], period: Period
) -> Backtest:
    outcomes = Counter(one.outcome for one in alerts)
    days = Counter(one.raised_s // DAY_S for one in alerts)
    known = len(alerts) - outcomes["unknown"]
    leads = [one.lead_days for one in departures if one.lead_days is not None]
    return Backtest(
        customers=customers,
        alerts=tuple(alerts),
        departures=tuple(departures),
        alerts_a_day=len(alerts) / period.days,
        most_a_day=max(days.values(), default=0),
        outcomes=dict(outcomes),
        precision=_share(outcomes["left"], known),
        recall=_share(len(leads), len(departures)),
        lead_days=median(leads) if leads else None,
        base_rate=_share(len({one.customer for one in departures}), customers),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
