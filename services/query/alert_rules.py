"""Alert rules: those in force with what became of their alerts, and rules tried out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.rules.alerts import Alert, digest, parse
from services.commands.backtests import Wanted
from services.commands.policies import ALERT
from services.query.alert_rows import Severity
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.posted import body, posted
from services.store.alerts import TestedRow
from services.store.policies import Policy
from services.store.reader import Reading

FIGURES: Final = """
SELECT rule, count(*), count(*) FILTER (WHERE NOT is_restated),
       count(*) FILTER (WHERE closed_at IS NULL), count(acknowledged_at), count(acted_at),
       count(*) FILTER (WHERE outcome = 'left'), count(*) FILTER (WHERE outcome = 'stayed'),
       count(*) FILTER (WHERE outcome = 'gone'),
       count(*) FILTER (WHERE outcome = 'left' AND acted_at IS NULL),
       count(*) FILTER (WHERE outcome = 'stayed' AND acted_at IS NULL)
FROM touchline.alert WHERE workspace = %(workspace)s GROUP BY rule
"""
LONGEST_S: Final = 60
Tested = Callable[[str, str, str], TestedRow | None]
"""What a backtest found: of a workspace, a rule's name, and the digest of its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShown:
    """A rule in force, and what became of its alerts."""

    __pydantic_config__ = DOCUMENTED

    rule: Annotated[str, Field(examples=["silence"])]
    version: int
    means: str
    """In words, for whoever gets the alert."""
    severity: Severity
    owner: str
    is_enabled: bool
    effective_at: datetime | None
    """From when on it applies; null is from the beginning."""
    raised: int
    """Alerts in all, those of the past among them."""
    told: int
    """Of them those that somebody was told of."""
    open: int
    acknowledged: int
    acted: int
    """Somebody said that they did something, or called, answered or met the customer."""
    left: int
    """The customer left within ninety days after it: with the last purchase before a silence of
    ninety days, or of three of their own rhythms if that is longer."""
    stayed: int
    gone: int
    """They had left before: it came too late."""
    precision: float | None
    """left, of those whose outcome is known; null while there is none."""
    precision_unattended: float | None
    """The same of those upon which nobody acted: what an act keeps is no mistake of the rule."""
    backtested_at: datetime | None
    """When this very rule was tried out last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """Rules in force, by name."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[RuleShown]
    next_cursor: str | None = None
    """Always null: there is one page."""


class BacktestAsked(BaseModel):
    """What is tried out."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    rule: Annotated[str, Field(min_length=1, max_length=50, examples=["silence"])]
    """Its name."""
    rules: dict[str, Any] | None = None
    """The rule as it would be published; by default the one of that name in force."""
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """A year before the end by default."""
    to: AwareDatetime | None = None
    """Now by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestShown:
    """What a rule would have found, nothing after an instant being looked at to decide it."""

    __pydantic_config__ = DOCUMENTED

    rule: str
    digest: str
    """Of the rule's words: this very rule may be switched on now."""
    tested_at: datetime
    found: Mapping[str, Any]
    """``alerts_total``, ``alerted`` (customers), ``alerts_a_day``, ``most_a_day``, ``precision``
    (of alerts whose outcome is known), ``recall`` (of those who left), ``lead_days`` (median, from
    the alert until it was sure), ``base_rate`` (who left of all), ``alerts`` and ``departures``
    (the first thousand), and where another rule of that name is in force ``in_force`` (the same of
    it) and ``compared`` (this one less that)."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/alerts/rules`` and ``POST /v1/alerts/backtest``."""
    routes = APIRouter(tags=["alerts"])

    @routes.get(
        "/v1/alerts/rules",
        summary="List alert rules",
        responses=responses(RulePage, "Rules in force."),
    )
    async def list_rules(caller: Annotated[Caller, Depends(desk.caller)]) -> Response:
        """With how many alerts each raised, what was done about them, and how often it was right.

        ``GET /v1/policies`` has the rules' own words.
        """

        def work() -> Answered:
            ruling = desk.policies.in_force(caller.workspace)
            with desk.reader.reading(caller.workspace) as reading:
                reading.may_take(LONGEST_S)
                items = listed(reading, ruling, desk.backtests.tested)
                return Answered(RulePage(items=items), reading.scored())

        return await desk.answer(caller, work, desk.scored, is_slow=True)

    @routes.post(
        "/v1/alerts/backtest",
        summary="Backtest an alert rule",
        responses=responses(BacktestShown, "What it would have found.", 400, 404),
        openapi_extra=body(BacktestAsked, {"rule": "silence"}),
    )
    async def backtest_rule(
        request: Request, caller: Annotated[Caller, Depends(desk.administrator)]
    ) -> Response:
        """Live a rule through all histories; it is kept, and the rule may be switched on then.

        Takes about a minute for a million customers: ``touchline alerts backtest`` shows how far it
        is. Needs an admin key.
        """
        wanted = await posted(request, BacktestAsked)

        def work() -> Answered:
            asked = Wanted(wanted.rule, wanted.rules, wanted.from_, wanted.to)
            by = f"key:{caller.key.key_id}"
            found = desk.backtests.test(caller.workspace, asked, by, lambda *_: None)
            shown = BacktestShown(
                rule=found.rule, digest=found.digest, tested_at=found.tested_at, found=found.body
            )
            return Answered(shown)

        return await desk.answer(caller, work, desk.scored, is_slow=True)

    return routes


def listed(reading: Reading, ruling: Sequence[Policy], tested: Tested) -> list[RuleShown]:
    """The alert rules of ``ruling``, by name."""
    figures = {row[0]: row[1:] for row in reading.rows(FIGURES)}
    return [
        _shown(
            (one, rule),
            figures.get(one.name, (0,) * 10),
            tested(reading.workspace, one.name, digest(rule)),
        )
        for one in sorted(ruling, key=lambda one: one.name)
        if one.kind == ALERT and isinstance(rule := parse(one.rules), Alert)
    ]


def _shown(
    ruling: tuple[Policy, Alert], figures: Sequence[int], tested: TestedRow | None
) -> RuleShown:
    policy, rule = ruling
    raised, told, open_, acknowledged, acted, left, stayed, gone, left_alone, stayed_alone = figures
    return RuleShown(
        rule=policy.name,
        version=policy.version,
        means=rule.means,
        severity=rule.severity,
        owner=rule.owner,
        is_enabled=rule.is_enabled,
        effective_at=policy.effective_at,
        raised=raised,
        told=told,
        open=open_,
        acknowledged=acknowledged,
        acted=acted,
        left=left,
        stayed=stayed,
        gone=gone,
        precision=_share(left, left + stayed + gone),
        precision_unattended=_share(left_alone, left_alone + stayed_alone),
        backtested_at=tested.tested_at if tested else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
