"""Trials of rules: a backtest asks the models that its rule takes, and no others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest

from schemas.rules.alerts import Alert
from services.commands.backtests import Trial
from services.scoring.backtests import Backtester
from services.scoring.decided import empty, take_in
from services.scoring.kept import Leaf
from services.scoring.rulebooks import asked_of
from services.store.course import RuleRow
from services.store.scores import ModelRow, Page
from tests.alerting import Story, rule
from tests.unit.test_scoring_laws import MODELS

CHURN: Final = {"score": {"name": "churn_risk", "enters_at": 0.3, "leaves_at": 0.2}}
ENGAGED: Final = {"score": {"name": "engagement", "enters_at": 20.0, "leaves_at": 40.0}}
ALIVE: Final = {"score": {"name": "p_alive", "enters_at": 0.6, "leaves_at": 0.7}}
HEALTH: Final = {"score": {"name": "health", "enters_at": 45.0, "leaves_at": 55.0}}
BAD: Final = {"feedback": {"at_most": 6, "within_days": 30}}
STORY: Final = "\n".join(
    [*(f"2026-{month:02}-05 bought 40" for month in range(1, 8)), "2026-07-20 nps 2"]
)


MOVED: Final = "2026-07-25 stage at_risk\n2026-07-30 stage loyal"
NEW_YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """One customer and these models."""

    rows: Sequence[ModelRow]

    def histories(self, workspace: str) -> Iterator[tuple[str, Sequence[Page]]]:
        pages = Leaf("0a", workspace).take_in(Story(STORY).entries)
        yield "0a", [*pages, take_in(empty("0a", workspace), Story(MOVED).entries)]

    def rules(self, workspace: str) -> Sequence[RuleRow]:
        machine = msgspec.json.encode({"stages": [{"name": "prospect"}]})
        return [RuleRow(workspace, "lifecycle", "default", NEW_YEAR, "s", "p", 1, None, machine)]

    def models(self, workspace: str) -> Sequence[ModelRow]:
        return self.rows

    def promoted(self, workspace: str) -> Mapping[str, str]:
        return {one.model: one.version for one in self.rows}

    def reached(self, workspace: str) -> tuple[datetime | None, int]:
        return datetime(2027, 6, 1, tzinfo=UTC), 1


def tried(alert: Alert, rows: Sequence[ModelRow]) -> Mapping[str, Any]:
    """What a backtest of two years finds."""
    span = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    return Backtester(Kept(rows))("shop", Trial("rule", alert, None, *span), lambda *_: None)


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        pytest.param(rule(when=[BAD]), set(), id="none"),
        pytest.param(rule(when=[CHURN]), {"churn_risk"}, id="a score"),
        pytest.param(
            rule(when=[BAD], who={"values": ["ordinary"]}), {"value"}, id="whom it is about"
        ),
        pytest.param(
            rule(when=[{"combined": {"at_least": 1, "within_days": 9, "of": [
                {"feedback": {"at_most": 6}}, ENGAGED]}}]),
            {"engagement"}, id="within several",
        ),
    ],
)  # fmt: skip
def test_what_a_rule_asks_of_scores(alert: Alert, expected: set[str]) -> None:
    assert asked_of(alert) == expected


@pytest.mark.parametrize(
    ("alert", "names"),
    [
        pytest.param(
            rule(when=[BAD], who={"values": ["high value", "potential", "ordinary"]}), {"rfm"},
            id="value",
        ),
        pytest.param(rule(when=[ALIVE]), {"buying"}, id="alive"),
        pytest.param(rule(when=[HEALTH]), {"rfm", "buying"}, id="health takes what there is"),
    ],
)  # fmt: skip
def test_models_that_a_rule_does_not_take_change_nothing(alert: Alert, names: set[str]) -> None:
    every = tried(alert, MODELS)

    alone = tried(alert, [one for one in MODELS if one.model in names])

    assert every == alone
    assert every["alerts_total"] > 0
    assert every != tried(alert, [one for one in MODELS if one.model not in names])


@pytest.mark.parametrize(
    ("stage", "raised_at"),
    [
        ("at_risk", ["2026-07-25T12:00:00Z"]),
        ("prospect", ["2026-07-20T12:00:00Z"]),
        ("lapsed", []),
    ],
)
def test_a_backtest_knows_the_stages_that_were_decided(stage: str, raised_at: list[str]) -> None:
    found = tried(rule(when=[BAD], who={"stages": [stage]}), [])

    assert [one["raised_at"] for one in found["alerts"]] == raised_at
