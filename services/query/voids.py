"""Voids: events taken back."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted
from services.query.redemptions import Reason, accepted, told


class VoidAsked(BaseModel):
    """Which event, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    source: Annotated[str, Field(min_length=1, max_length=400, examples=["shop"])] = "api"
    """The event's source, as recorded: ``browser/<key>/<source>`` where a browser sent it."""
    id: Annotated[str, Field(min_length=1, max_length=200, examples=["o-1001"])]
    """The event's id."""
    reason: Reason = None
    """Why, in a word or two that name nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidShown:
    """What it moved is moved back."""

    __pydantic_config__ = DOCUMENTED

    void_id: str
    """Of the event that takes it back."""
    voided_type: str
    """What was taken back."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""
    is_applied: bool
    """False with 202: it is safe, and not folded yet."""


def router(desk: Desk) -> APIRouter:
    """``POST /v1/events/void``."""
    routes = APIRouter(tags=["events"])

    @routes.post(
        "/v1/events/void",
        summary="Take an event back",
        responses=responses(VoidShown, "Applied.", 400, 404) | accepted(VoidShown),
        openapi_extra=body(VoidAsked, {"source": "shop", "id": "o-1001", "reason": "test order"}),
    )
    async def void_event(
        request: Request,
        caller: Annotated[Caller, Depends(desk.administrator)],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Let a purchase, refund, redemption, adjustment or grant no longer count.

        The touch stays counted, and the log as it is. Asked again, it answers the same. Needs an
        admin key.
        """
        wanted = await posted(request, VoidAsked)

        def work() -> Answered:
            who = asked(caller, idempotency_key)
            taken = desk.voids.void(who, wanted.source, wanted.id, wanted.reason)
            shown = VoidShown(
                void_id=taken.id,
                voided_type=taken.voided_type,
                position=told(taken),
                is_applied=taken.is_applied,
            )
            return Answered(shown, taken.position, 200 if taken.is_applied else 202)

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes
