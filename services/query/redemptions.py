"""Redemptions: a customer's points spent, and given back."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.commands.voids import Taken
from services.edge.shown import content
from services.log.position import encode
from services.query.customer import CustomerId
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted

RedemptionId = Annotated[
    str, Path(max_length=200, description="As the answer to the redemption gave it.")
]
Reason = Annotated[str | None, Field(min_length=1, max_length=200)]


class RedeemAsked(BaseModel):
    """What is spent."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    points: Annotated[int, Field(examples=[500])]
    """How many points to take: a whole number, at least 1."""
    reason: Reason = None
    """What for, in a word or two that name nobody."""


class CancelAsked(BaseModel):
    """Why it is taken back."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    reason: Reason = None
    """Why, in a word or two that name nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionShown:
    """The points are spent: it is safe, though the log has it only a moment later."""

    __pydantic_config__ = DOCUMENTED

    redemption_id: str
    """What it is cancelled by."""
    points: int
    available: int
    """Points that can be spent after it."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationShown:
    """The points are given back, to the lots that they came from."""

    __pydantic_config__ = DOCUMENTED

    redemption_id: str
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""
    is_applied: bool
    """False with 202: it is safe, and not folded yet."""


def router(desk: Desk) -> APIRouter:
    """``/v1/customers/{customer_id}/redemptions``."""
    routes = APIRouter(tags=["loyalty"])
    cancelled = responses(CancellationShown, "Applied.", 404) | accepted(CancellationShown)
    place = "/v1/customers/{customer_id}/redemptions"

    @routes.post(
        place,
        status_code=201,
        summary="Redeem points",
        responses=created(RedemptionShown, "The points are spent."),
        openapi_extra=body(RedeemAsked, {"points": 500, "reason": "voucher"}),
    )
    async def redeem(
        request: Request,
        caller: Annotated[Caller, Depends(desk.caller)],
        customer_id: CustomerId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Spend points, if the balance covers them; needs ``Idempotency-Key``.

        Answers once it is decided and durable. No point is spent twice, whoever asks at the same
        time, and however often one request is sent.
        """
        wanted = await posted(request, RedeemAsked)

        def work() -> Answered:
            who = asked(caller, idempotency_key)
            done = desk.points.redeem(who, customer_id, wanted.points, wanted.reason)
            shown = RedemptionShown(
                redemption_id=done.id,
                points=done.points,
                available=done.available,
                position=done.position,
            )
            return Answered(shown, done.position, 201)

        return await desk.answer(caller, work, desk.folded, threads=desk.point_threads)

    async def cancel(
        request: Request,
        caller: Annotated[Caller, Depends(desk.caller)],
        *,
        customer_id: CustomerId,
        redemption_id: RedemptionId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Give back the points of a redemption, or of a granted reward; asked again, it stays so.

        They are again in the lots that they came from, and expire when these do.
        """
        wanted = await posted(request, CancelAsked)

        def work() -> Answered:
            who = asked(caller, idempotency_key)
            taken = desk.voids.cancel(who, customer_id, redemption_id, wanted.reason)
            shown = CancellationShown(
                redemption_id=redemption_id, position=told(taken), is_applied=taken.is_applied
            )
            return Answered(shown, taken.position, 200 if taken.is_applied else 202)

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    optional = body(CancelAsked, {"reason": "returned"}, is_required=False)
    for way, path in (("POST", "/{redemption_id}/cancel"), ("DELETE", "/{redemption_id}")):
        routes.add_api_route(
            place + path,
            cancel,
            methods=[way],
            summary="Cancel a redemption",
            responses=cancelled,
            openapi_extra=optional,
            operation_id=f"cancel_redemption_{way.lower()}",
        )
    return routes


def told(taken: Taken) -> str:
    """Its position, for callers."""
    return taken.position if isinstance(taken.position, str) else encode(taken.position)


def created(model: Any, description: str, *problems: int) -> dict[int | str, dict[str, Any]]:
    """What /docs says of a route that answers 201."""
    documented = responses(model, description, 400, 404, 409, *problems)
    return {201: documented.pop(200), **documented}


def accepted(model: Any) -> dict[int | str, dict[str, Any]]:
    """What /docs says of a route that may answer 202."""
    return {
        202: {"content": content(model), "description": "Safe, and not applied yet: wait for it."}
    }
