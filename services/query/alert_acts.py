"""What people do about alerts: acknowledge, act, snooze, close."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.commands.alerts import Acted
from services.commands.once import Asked
from services.query.alerts import AlertId
from services.query.desk import DOCUMENTED, Answered, Caller, Desk
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted
from services.query.redemptions import created

Word = Annotated[str, Field(min_length=1, max_length=200)]


class ActAsked(BaseModel):
    """What was done."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    action: Annotated[Word, Field(examples=["called"])]
    """In a word or two that name nobody."""


class SnoozeAsked(BaseModel):
    """For how long: one of the two."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    days: Annotated[int | None, Field(ge=1, le=366, examples=[7])] = None
    until: AwareDatetime | None = None


class CloseAsked(BaseModel):
    """Why it is settled."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    reason: Annotated[Word | None, Field(examples=["refunded"])] = None
    """In a word or two that name nobody."""


class Nothing(BaseModel):
    """No further word."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActShown:
    """It is safe, and shown once scoring has taken it in."""

    __pydantic_config__ = DOCUMENTED

    alert_id: str
    event_id: str
    """Of the event that says so, and who did it."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""


class Given(NamedTuple):
    """Who asks, about which alert, in which words."""

    request: Request
    caller: Caller
    alert_id: str
    key: str | None


Body = TypeVar("Body", bound=BaseModel)


def router(desk: Desk) -> APIRouter:
    """``POST /v1/alerts/{alert_id}/acknowledge``, ``act``, ``snooze`` and ``close``."""
    routes = APIRouter(tags=["alerts"])

    def given(
        request: Request,
        caller: Annotated[Caller, Depends(desk.caller)],
        alert_id: AlertId,
        idempotency_key: IdempotencyKey = None,
    ) -> Given:
        return Given(request, caller, alert_id, idempotency_key)

    async def done(
        what: Given, model: type[Body], do: Callable[[Asked, str, Body], Acted]
    ) -> Response:
        wanted = await posted(what.request, model)

        def work() -> Answered:
            found = do(asked(what.caller, what.key), what.alert_id, wanted)
            shown = ActShown(alert_id=what.alert_id, event_id=found.id, position=found.position)
            return Answered(shown, found.position, 201)

        return await desk.answer(what.caller, work, desk.scored, is_slow=True)

    @routes.post(**_route("acknowledge", "Acknowledge an alert", Nothing, {}))
    async def acknowledge(what: Annotated[Given, Depends(given)]) -> Response:
        """Take care of it; nothing more of its rule for as long as the rule snoozes."""
        return await done(what, Nothing, lambda who, id_, _: desk.alerts.acknowledge(who, id_))

    @routes.post(
        **_route("act", "Say what was done about an alert", ActAsked, {"action": "called"})
    )
    async def act(what: Annotated[Given, Depends(given)]) -> Response:
        """Acknowledge it with what was done, so that it is known later what helped."""
        return await done(
            what, ActAsked, lambda who, id_, body: desk.alerts.act(who, id_, body.action)
        )

    @routes.post(**_route("snooze", "Snooze an alert", SnoozeAsked, {"days": 7}))
    async def snooze(what: Annotated[Given, Depends(given)]) -> Response:
        """Acknowledge it, and hear nothing more of its rule and customer until then.

        Without a time for as long as the rule snoozes.
        """
        return await done(what, SnoozeAsked, partial(_snooze, desk))

    @routes.post(**_route("close", "Close an alert", CloseAsked, {"reason": "refunded"}))
    async def close(what: Annotated[Given, Depends(given)]) -> Response:
        """Settle it though its reason may last: the same episode is not alerted again."""
        return await done(
            what, CloseAsked, lambda who, id_, body: desk.alerts.close(who, id_, body.reason)
        )

    return routes


def _snooze(desk: Desk, who: Asked, alert_id: str, wanted: SnoozeAsked) -> Acted:
    until = wanted.until or (timedelta(days=wanted.days) if wanted.days else None)
    if until is None:
        return desk.alerts.acknowledge(who, alert_id)
    return desk.alerts.snooze(who, alert_id, until)


def _route(
    verb: str, summary: str, model: type[BaseModel], example: dict[str, Any]
) -> dict[str, Any]:
    return {
        "path": f"/v1/alerts/{{alert_id}}/{verb}",
        "status_code": 201,
        "summary": summary,
        "responses": created(ActShown, "It is safe."),
        "openapi_extra": body(model, example, is_required=verb == "act"),
    }
