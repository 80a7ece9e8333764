"""Rewards: what points buy, granted to a customer."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.customer import CustomerId
from services.query.desk import DOCUMENTED, Answered, Caller, Desk
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted
from services.query.redemptions import created


class GrantAsked(BaseModel):
    """Which reward."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    reward: Annotated[str, Field(min_length=1, max_length=200, examples=["voucher_5"])]
    """Its name in the loyalty policy in force, which says what it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantShown:
    """The reward is granted: it is safe, though the log has it only a moment later."""

    __pydantic_config__ = DOCUMENTED

    reward_id: str
    """What it is cancelled by, as a redemption is."""
    reward: str
    cost_points: int
    """Points that it took."""
    available: int
    """Points that can be spent after it."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""


def router(desk: Desk) -> APIRouter:
    """``POST /v1/customers/{customer_id}/rewards``."""
    routes = APIRouter(tags=["loyalty"])

    @routes.post(
        "/v1/customers/{customer_id}/rewards",
        status_code=201,
        summary="Grant a reward",
        responses=created(GrantShown, "The reward is granted, its price taken."),
        openapi_extra=body(GrantAsked, {"reward": "voucher_5"}),
    )
    async def grant(
        request: Request,
        caller: Annotated[Caller, Depends(desk.caller)],
        customer_id: CustomerId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Give a reward for its price in points, if balance, stock and time allow it."""
        wanted = await posted(request, GrantAsked)

        def work() -> Answered:
            who = asked(caller, idempotency_key)
            done = desk.points.grant(who, customer_id, wanted.reward)
            shown = GrantShown(
                reward_id=done.id,
                reward=wanted.reward,
                cost_points=done.points,
                available=done.available,
                position=done.position,
            )
            return Answered(shown, done.position, 201)

        return await desk.answer(caller, work, desk.folded, threads=desk.point_threads)

    return routes
