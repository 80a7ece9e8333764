"""Alerts: what somebody should look at, listed, shown, and heard as they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.edge.auth import Needs
from services.edge.keys import Key
from services.errors import NotFound
from services.query.alert_rows import ALERT, AlertShown, Severity, Status, page, shown
from services.query.customer import group_of
from services.query.decided import OF_ALERTS
from services.query.decisions import LastEventId, documented, streamed
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.paging import LIMIT, MAX_LIMIT, cut
from services.store.reader import Reading

AlertId = Annotated[str, Path(max_length=200, description="The alert's id.")]
TYPES: Final = frozenset(kind.type for kind in OF_ALERTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage:
    """Alerts, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[AlertShown]
    next_cursor: str | None
    """Send as ``cursor`` for older ones; null on the last page."""


class Asked(BaseModel):
    """What can be asked of the list."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    status: Status | None = None
    """Only alerts that are so now."""
    rule: Annotated[str | None, Field(max_length=200)] = None
    """Only of this rule."""
    severity: Severity | None = None
    customer: Annotated[str | None, Field(max_length=80)] = None
    """Only of this customer: any id that they ever had."""
    since: AwareDatetime | None = None
    """Only those raised then or later."""
    restated: bool = True
    """False leaves out what is of the past, and nobody was told of."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Alerts a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before."""

    @property
    def named(self) -> list[str]:
        """This very list, for its cursors."""
        words = (self.status, self.rule, self.severity, self.customer, self.since, self.restated)
        return [str(word) for word in words]


def router(desk: Desk) -> APIRouter:
    """``GET /v1/alerts``, one of them, and the stream."""
    routes = APIRouter(tags=["alerts"])

    @routes.get(
        "/v1/alerts",
        summary="List alerts",
        responses=responses(AlertPage, "Alerts, newest first.", 404),
    )
    async def list_alerts(
        caller: Annotated[Caller, Depends(desk.caller)], asked: Annotated[Asked, Query()]
    ) -> Response:
        """One an episode of a rule, with its evidence, who took care of it and what came of it."""

        def work() -> Answered:
            with desk.reader.reading(caller.workspace) as reading:
                return Answered(_page(desk, reading, asked), reading.scored())

        return await desk.answer(caller, work, desk.scored)

    @routes.get(
        "/v1/alerts/stream",
        summary="Hear of alerts as they come",
        responses=documented(),
        response_class=Response,
    )
    async def stream_alerts(
        request: Request,
        key: Annotated[Key, Depends(Needs(desk.gate, "read"))],
        last: LastEventId = None,
    ) -> Response:
        """``alert.raised``, ``alert.acknowledged`` and ``alert.closed``, each once.

        The stream of decisions, of these alone; it resumes as that one does, by the last `id`.
        """
        return await streamed(desk, request, key, types=TYPES, last=last)

    @routes.get(
        "/v1/alerts/{alert_id}",
        summary="Show an alert",
        responses=responses(AlertShown, "The alert.", 404),
    )
    async def show_alert(
        caller: Annotated[Caller, Depends(desk.caller)], alert_id: AlertId
    ) -> Response:
        """With its evidence, who took care of it and what came of it."""

        def work() -> Answered:
            with desk.reader.reading(caller.workspace) as reading:
                row = reading.row(ALERT, alert_id=alert_id, at=desk.clock.now())
                if row is None:
                    remedy = "list them with GET /v1/alerts"
                    raise NotFound("is no alert", remedy, field="alert_id", value=alert_id[:80])
                return Answered(shown(row), reading.scored())

        return await desk.answer(caller, work, desk.scored)

    return routes


def _page(desk: Desk, reading: Reading, asked: Asked) -> AlertPage:
    of = [reading.workspace, "alerts", *asked.named]
    wanted: dict[str, Any] = {
        name: value
        for name in ("rule", "severity", "since")
        if (value := getattr(asked, name)) is not None
    }
    conditions = [*wanted, *filter(None, [asked.status])]
    if not asked.restated:
        conditions.append("told")
    if asked.customer is not None:
        conditions.append("customer")
        wanted["customer"] = group_of(reading, asked.customer)
    if asked.cursor is not None:
        conditions.append("after")
        wanted["raised_at"], wanted["alert_id"] = desk.cursors.open(asked.cursor, of=of)
    rows = reading.rows(page(conditions), at=desk.clock.now(), limit=asked.limit + 1, **wanted)
    items = ((one, (one.raised_at.isoformat(), one.alert_id)) for one in map(shown, rows))
    found = cut([*items], asked.limit, desk.cursors, of)
    return AlertPage(items=found.items, next_cursor=found.next_cursor)
