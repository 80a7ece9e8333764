"""Adjustments: a customer's points corrected by hand."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.customer import CustomerId
from services.query.desk import DOCUMENTED, Answered, Caller, Desk
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted
from services.query.redemptions import created


class AdjustAsked(BaseModel):
    """What is corrected, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    points: Annotated[int, Field(examples=[-200])]
    """Points to add, or to take if negative; the balance may become a debt."""
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    """Why, in a word or two that name nobody; the statement shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentShown:
    """The points are corrected: it is safe, though the log has it only a moment later."""

    __pydantic_config__ = DOCUMENTED

    adjustment_id: str
    points: int
    available: int
    """Points that can be spent now; those that were added come with the position."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""


def router(desk: Desk) -> APIRouter:
    """``POST /v1/customers/{customer_id}/adjustments``."""
    routes = APIRouter(tags=["loyalty"])

    @routes.post(
        "/v1/customers/{customer_id}/adjustments",
        status_code=201,
        summary="Adjust points",
        responses=created(AdjustmentShown, "The points are corrected."),
        openapi_extra=body(AdjustAsked, {"points": 100, "reason": "goodwill"}),
    )
    async def adjust(
        request: Request,
        caller: Annotated[Caller, Depends(desk.administrator)],
        customer_id: CustomerId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Add points, or take some, with a reason; needs an admin key."""
        wanted = await posted(request, AdjustAsked)

        def work() -> Answered:
            who = asked(caller, idempotency_key)
            done = desk.points.adjust(who, customer_id, wanted.points, wanted.reason)
            shown = AdjustmentShown(
                adjustment_id=done.id,
                points=wanted.points,
                available=done.available,
                position=done.position,
            )
            return Answered(shown, done.position, 201)

        return await desk.answer(caller, work, desk.folded, threads=desk.point_threads)

    return routes
