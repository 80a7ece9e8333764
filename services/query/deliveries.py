"""Deliveries: what targets were sent, what became of it, and sending it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.paging import LIMIT, MAX_LIMIT, Page, cut
from services.store.targets import DeliveryRow, Sought, State

TargetId = Annotated[str, Path(max_length=40, description="The target's id.")]
DeliveryId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The delivery's number.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryShown:
    """A decision on its way to a target, or what became of it."""

    __pydantic_config__ = DOCUMENTED

    delivery_id: int
    target_id: str
    id: str
    """The event's, which is the header ``webhook-id``: the same whenever it is sent again."""
    type: str
    state: State
    attempts: int
    """Since it was put into the queue, or put there again."""
    queued_at: datetime
    due_at: datetime | None
    """When it is tried next; null once it ended."""
    attempted_at: datetime | None
    ended_at: datetime | None
    """When it was delivered, or given up."""
    status: int | None
    """The HTTP status of the last answer."""
    problem: str | None
    """Why the last attempt failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[DeliveryShown]
    next_cursor: str | None
    """Send as ``cursor`` for older ones; null on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialShown:
    """A message on its way that says it is a trial."""

    __pydantic_config__ = DOCUMENTED

    delivery_id: int
    """``GET /v1/deliveries/{delivery_id}`` says what came of it; it is tried once."""


class Asked(BaseModel):
    """What can be asked of the list."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    target_id: Annotated[str | None, Field(max_length=40)] = None
    """Only to this target."""
    state: State | None = None
    """Only those in this state: ``dead`` are those given up."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Deliveries a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before."""


def router(desk: Desk) -> APIRouter:
    """``/v1/deliveries``, one of them, sending it again, and trying a target out."""
    routes = APIRouter(tags=["targets"])

    @routes.get(
        "/v1/deliveries",
        summary="List deliveries",
        responses=responses(DeliveryPage, "Deliveries, newest first."),
    )
    async def list_deliveries(
        caller: Annotated[Caller, Depends(desk.administrator)], asked: Annotated[Asked, Query()]
    ) -> Response:
        """What targets were sent, for 30 days after it ended; needs an admin key."""
        return await desk.answer(caller, lambda: Answered(_page(desk, caller, asked)), desk.folded)

    @routes.get(
        "/v1/deliveries/{delivery_id}",
        summary="Show a delivery",
        responses=responses(DeliveryShown, "What became of it.", 404),
    )
    async def show_delivery(
        caller: Annotated[Caller, Depends(desk.administrator)], delivery_id: DeliveryId
    ) -> Response:
        """One delivery; needs an admin key."""

        def work() -> Answered:
            return Answered(_shown(desk.deliveries.find(caller.workspace, delivery_id)))

        return await desk.answer(caller, work, desk.folded)

    @routes.post(
        "/v1/deliveries/{delivery_id}/redeliver",
        summary="Send a delivery again",
        responses=responses(DeliveryShown, "It is in the queue again.", 404, 409),
    )
    async def redeliver(
        caller: Annotated[Caller, Depends(desk.administrator)], delivery_id: DeliveryId
    ) -> Response:
        """At once, under the same id, and for three days where it fails; needs an admin key."""

        def work() -> Answered:
            return Answered(_shown(desk.deliveries.redeliver(caller.workspace, delivery_id)))

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    @routes.post(
        "/v1/targets/{target_id}/test",
        status_code=202,
        summary="Try a target out",
        responses=_accepted(),
    )
    async def try_target(
        caller: Annotated[Caller, Depends(desk.administrator)], target_id: TargetId
    ) -> Response:
        """Send a message of type ``touchline.test``, once; needs an admin key."""

        def work() -> Answered:
            number = desk.deliveries.test(caller.workspace, target_id)
            return Answered(TrialShown(delivery_id=number), None, 202)

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes


def _accepted() -> dict[int | str, dict[str, Any]]:
    documented = responses(TrialShown, "It is in the target's queue.", 404, 409)
    return {202: documented.pop(200), **documented}


def _page(desk: Desk, caller: Caller, asked: Asked) -> Page[DeliveryShown]:
    of = (caller.workspace, "deliveries", asked.target_id or "", asked.state or "")
    before = int(desk.cursors.open(asked.cursor, of=of)[0]) if asked.cursor else None
    sought = Sought(asked.target_id, asked.state, before, asked.limit + 1)
    rows = desk.deliveries.page(caller.workspace, sought)
    found = [(_shown(row), (str(row.delivery_id),)) for row in rows]
    return cut(found, asked.limit, desk.cursors, of)


def _shown(row: DeliveryRow) -> DeliveryShown:
    fields: dict[str, Any] = row._asdict()
    del fields["workspace"]
    return DeliveryShown(id=fields.pop("event_id"), **fields)
