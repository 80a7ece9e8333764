"""Backtests: a rule lived through all histories that are kept, beside the one in force."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from services.commands.backtests import Told, Trial
from services.scoring.alerting import LEFT
from services.scoring.decided import eras_of, read
from services.scoring.kept import history_of, leaves_of
from services.scoring.rulebooks import BY_MODEL, asked_of, asks_standing
from services.scoring.rules import Backtest, Life, Period, backtest, compared
from services.scoring.rules.backtest import Comparison
from services.scoring.rules.stages import NOWHERE, asks_decisions
from services.scoring.rules.standing import FOREVER
from services.scoring.scored import lived, score
from services.scoring.shelf import restore
from services.scoring.standings import Scores
from services.store.course import RuleRow
from services.store.scores import DECIDED, ModelRow, Page

if TYPE_CHECKING:
    from schemas.rules.alerts import Alert
    from services.scoring.trained import Trained

MOST_SHOWN: Final = 1_000
"""Alerts and departures that a backtest names; it counts all."""
STEP: Final = 200
"""Customers between two looks at how far it is."""


class Library(Protocol):
    """Where histories and models are kept."""

    def histories(self, workspace: str) -> Iterator[tuple[str, Sequence[Page]]]:
        """Each customer of whom something is kept, with all of it."""

    def rules(self, workspace: str) -> Sequence[RuleRow]:
        """Every version of the machine ``default`` and of the programme."""

    def models(self, workspace: str) -> Sequence[ModelRow]:
        """All that were trained."""

    def promoted(self, workspace: str) -> Mapping[str, str]:
        """The version of each model that scores."""

    def reached(self, workspace: str) -> tuple[datetime | None, int]:
        """The last minute that scoring knows of, and how many customers have scores."""


class Backtester:
    """Tries rules out; scores that they ask for are those of the models that score now.

    These have seen more than was known then, so that such a rule looks better than it was.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, workspace: str, trial: Trial, told: Told) -> Mapping[str, Any]:
        """What ``trial`` finds, as JSON has it; raises ``Refused`` for an empty period."""
        tick, customers = self._library.reached(workspace)
        known_s = max(int(tick.timestamp()) if tick else 0, int(trial.to_at.timestamp()))
        period = Period(int(trial.from_at.timestamp()), int(trial.to_at.timestamp()), known_s)
        rules = [trial.rule, *([trial.ruling] if trial.ruling else [])]
        counted = _Counted(told, customers * len(rules))
        eras = NOWHERE
        if any(asks_decisions(one) for one in rules):
            eras = eras_of(self._library.rules(workspace))
        found = [
            backtest(one, self._lives(workspace, one, period, counted), period, LEFT, eras=eras)
            for one in rules
        ]
        body = {"from": _at(period.from_s), "to": _at(period.to_s), **_shown(found[0])}
        if trial.ruling:
            body["in_force"] = _figures(found[1])
            body["compared"] = _compared(compared(*found))
        return body

    def _lives(
        self, workspace: str, rule: "Alert", period: Period, counted: "_Counted"
    ) -> Iterator[tuple[str, Life]]:
        trained = self._trained(workspace, asked_of(rule)) if asks_standing(rule) else None
        for customer, pages in self._library.histories(workspace):
            counted.one()
            if history := history_of(leaves_of(pages).values()):
                standings = None
                if asks_standing(rule):
                    now = lived(history, datetime.fromtimestamp(period.to_s, UTC))
                    [done] = score([now], trained)
                    standings = Scores(now, done, trained, -FOREVER)
                if asks_decisions(rule):
                    own = (page for page in pages if page[:2] == (customer, DECIDED))
                    history = sorted([*history, *(one for page in own for one in read(page))])
                yield customer, Life(history, standings)

    def _trained(self, workspace: str, asked: Collection[str]) -> "Trained | None":
        """The models that what is ``asked`` takes: a year of instants each costs a good deal."""
        promoted = self._library.promoted(workspace)
        return restore(
            one
            for one in self._library.models(workspace)
            if promoted.get(one.model) == one.version
            and ("health" in asked or not BY_MODEL.get(one.model, frozenset()).isdisjoint(asked))
        )


class _Counted:
    """Says now and then how far it is."""

    def __init__(self, told: Told, total: int) -> None:
        self._told, self._total, self._done = told, total, 0

    def one(self) -> None:
        self._done += 1
        if self._done % STEP == 0 or self._done == self._total:
            self._told(self._done, self._total)


def _figures(found: Backtest) -> dict[str, Any]:
    return {
        "customers": found.customers,
        "alerted": len({one.customer for one in found.alerts}),
        "alerts_total": len(found.alerts),
        "alerts_a_day": round(found.alerts_a_day, 4),
        "most_a_day": found.most_a_day,
        "outcomes": dict(found.outcomes),
        "departures_total": len(found.departures),
        "precision": found.precision,
        "recall": found.recall,
        "lead_days": found.lead_days,
        "base_rate": found.base_rate,
    }


def _shown(found: Backtest) -> dict[str, Any]:
    return _figures(found) | {
        "alerts": [
            {"customer_id": one.customer, "raised_at": _at(one.raised_s), "outcome": one.outcome}
            for one in found.alerts[:MOST_SHOWN]
        ],
        "departures": [
            {
                "customer_id": one.customer,
                "left_at": _at(one.departure.declared_s),
                "raised_at": None if one.raised_s is None else _at(one.raised_s),
                "lead_days": one.lead_days,
            }
            for one in found.departures[:MOST_SHOWN]
        ],
    }


def _compared(found: Comparison) -> dict[str, Any]:
    return {
        "only_new": len(found.only_new),
        "only_old": len(found.only_old),
        "both": found.both,
        "alerts_a_day": round(found.alerts_a_day, 4),
        "precision": found.precision,
        "recall": found.recall,
        "lead_days": found.lead_days,
    }


def _at(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
