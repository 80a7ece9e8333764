"""Foreseeing: what alert rules would have found, and what by then was known of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.scores.sampled import WORKSPACE, Sampled
from schemas.rules.alerts import Alert
from services.commands.backtests import Trial
from services.scoring.alerting import LEFT
from services.scoring.backtests import Backtester
from services.scoring.kept import history_of, leaves_of
from services.scoring.model.history import DAY_S
from services.scoring.rules import Life
from services.scoring.rules.leaving import purchased
from services.scoring.training import Candidate, train
from services.store.scores import ModelRow, Page

KNOWN_AFTER: Final = timedelta(days=LEFT.days + LEFT.horizon_days)
"""After so long it is known of most who left after an alert and who stayed."""
EVERY: Final = 7 * DAY_S
Customers = Sequence[tuple[str, Sequence[Page]]]


@dataclass(frozen=True, slots=True)
class Span:
    """A time on which rules are tried out."""

    begins: datetime
    ends: datetime

    @property
    def known(self) -> "Span":
        """The part of it of which everything is known by its end."""
        return replace(self, ends=(self.ends - KNOWN_AFTER).replace(hour=0, minute=0, second=0))


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a rule found; shares are None where nothing can be divided by."""

    alerts: int
    customers: int
    alerts_a_day: float
    most_a_day: int
    judged: int
    """Alerts of which it is known what came of them."""
    precision: float | None
    recall: float | None
    lead_days: float | None


def foreseen(rule: Alert, library: Sampled, span: Span) -> Foreseen:
    """As ``touchline alerts backtest --from --to`` has it.

    Precision is of the part of which everything is known, all else of the whole.
    """
    run = Backtester(library)

    def found(part: Span) -> Mapping[str, Any]:
        trial = Trial("tried", rule, None, part.begins, part.ends)
        return run(WORKSPACE, trial, lambda *_: None)

    whole, known = found(span), found(span.known)
    outcomes: Mapping[str, int] = known["outcomes"]
    return Foreseen(
        whole["alerts_total"],
        whole["alerted"],
        whole["alerts_a_day"],
        whole["most_a_day"],
        sum(count for outcome, count in outcomes.items() if outcome != "unknown"),
        known["precision"],
        whole["recall"],
        whole["lead_days"],
    )


def by_chance(library: Sampled, span: Span) -> float:
    """Precision of alerting each week everybody who has not left: what a rule has to beat."""
    outcomes = Counter[str]()
    until_s, end_s = (int(at.timestamp()) for at in (library.ends_at, span.known.ends))
    for _, pages in library.kept:
        known = purchased(Life(history_of(leaves_of(pages).values())), LEFT, until_s)
        outcomes.update(map(known.outcome, range(int(span.begins.timestamp()), end_s, EVERY)))
    return outcomes["left"] / (outcomes["left"] + outcomes["stayed"])


def departures(library: Sampled, span: Span) -> tuple[int, int]:
    """How many customers bought, and how many departures became sure in the span."""
    begin_s, end_s = int(span.begins.timestamp()), int(span.ends.timestamp())
    buyers = left = 0
    for _, pages in library.kept:
        known = purchased(Life(history_of(leaves_of(pages).values())), LEFT, end_s)
        buyers += bool(known.days)
        left += sum(begin_s <= one.declared_s < end_s for one in known.departures)
    return buyers, left


def with_models(library: Sampled, *, every: int) -> Sampled:
    """Each so many-th customer, with models trained on everybody and all of the time."""
    now = datetime.now(UTC)
    lives = library.until(now)
    rows = [
        ModelRow(
            WORKSPACE, one.model, one.version, one.trained_until, one.parameters, one.card
        )
        for one in train(lambda: iter(lives))
        if isinstance(one, Candidate)
    ]  # fmt: skip
    return replace(library, kept=library.kept[::every], trained=rows)
