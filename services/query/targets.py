"""Targets: where decisions are sent, made and changed by administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.commands.targets import ALERTS, Change, Draft
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.posted import body, posted
from services.store.targets import Kind, Language, TargetRow, Traffic

TargetId = Annotated[str, Path(max_length=40, description="The target's id.")]


class TargetAsked(BaseModel):
    """A target."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kind: Annotated[str, Field(max_length=50, examples=["webhook"])]
    """``webhook`` (signed as Standard Webhooks), ``slack``, ``feishu`` or ``email``."""
    address: Annotated[str, Field(max_length=4_000, examples=["https://example.org/hook"])]
    """An https:// address, or of ``email`` a mailbox; it is sealed, and never shown whole again."""
    name: Annotated[str, Field(max_length=1_000)] = ""
    """What people call it."""
    types: Annotated[list[str], Field(max_length=50)] = list(ALERTS)
    """Which decisions it is told of; all about alerts by default."""
    language: Annotated[str, Field(max_length=50)] = "en"
    """Of what people read (Slack, Feishu, mail): ``en`` or ``zh``."""
    secret: Annotated[str, Field(max_length=1_000)] = ""
    """Of a Feishu bot that verifies signatures; a webhook's is made by us."""


class ChangeAsked(BaseModel):
    """What is to be different; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str | None, Field(max_length=1_000)] = None
    address: Annotated[str | None, Field(max_length=4_000)] = None
    """Where it is from now on; its secret stays."""
    types: Annotated[list[str] | None, Field(max_length=50)] = None
    language: Annotated[str | None, Field(max_length=50)] = None
    is_enabled: bool | None = None
    """False: nothing is sent, and nothing new is kept for it. True: it begins at the present."""


class RotationAsked(BaseModel):
    """A Feishu bot's new secret; nothing for a webhook."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    secret: Annotated[str, Field(max_length=1_000)] = ""
    """As the bot's settings show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetShown:
    """A target; of its address only what gives nothing away."""

    __pydantic_config__ = DOCUMENTED

    target_id: str
    name: str
    kind: Kind
    address: str
    """As far as it may be read: what follows the host is often a secret."""
    types: Sequence[str]
    language: Language
    is_enabled: bool
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetItem(TargetShown):
    """A target, and what became of what it was sent."""

    waiting: int
    """Deliveries that it has not taken yet."""
    dead: int
    """Deliveries given up after three days; ``POST /v1/deliveries/{id}/redeliver``."""
    delivered_at: datetime | None
    """When it took the last one."""
    problem: str | None
    """Why the one that waits longest is not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMade(TargetShown):
    """A target, and of a webhook its secret: it is shown this once."""

    secret: str | None
    """What receivers verify signatures with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPage:
    """The targets of a workspace, oldest first."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[TargetItem]
    next_cursor: str | None = None
    """Always null: there is one page."""


def router(desk: Desk) -> APIRouter:
    """``/v1/targets``."""
    routes = APIRouter(tags=["targets"])
    made = responses(TargetMade, "Made, with its secret.", 400, 404, 409)
    example = {
        "kind": "webhook",
        "address": "https://example.org/hook",
        "types": ["alert.raised", "tier.changed"],
    }

    @routes.get(
        "/v1/targets",
        summary="List targets",
        responses=responses(TargetPage, "Every target of the workspace."),
    )
    async def list_targets(
        caller: Annotated[Caller, Depends(desk.administrator)],
    ) -> Response:
        """Where decisions are sent, and how that goes; needs an admin key."""

        def work() -> Answered:
            found = desk.targets.all(caller.workspace)
            return Answered(TargetPage(items=[_item(*each) for each in found]))

        return await desk.answer(caller, work, desk.folded)

    @routes.post(
        "/v1/targets",
        status_code=201,
        summary="Make a target",
        responses={201: made.pop(200), **made},
        openapi_extra=body(TargetAsked, example),
    )
    async def make_target(
        request: Request, caller: Annotated[Caller, Depends(desk.administrator)]
    ) -> Response:
        """Have decisions sent somewhere, from now on; the secret is shown this once.

        Needs an admin key. Receivers verify with any library of Standard Webhooks.
        """
        wanted = await posted(request, TargetAsked)

        def work() -> Answered:
            done = desk.targets.create(caller.workspace, Draft(**wanted.model_dump()))
            return Answered(_made(done.row, done.secret), None, 201)

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    @routes.patch(
        "/v1/targets/{target_id}",
        summary="Change, disable or enable a target",
        responses=responses(TargetShown, "As it is now.", 400, 404),
        openapi_extra=body(ChangeAsked, {"is_enabled": False}),
    )
    async def change_target(
        request: Request,
        caller: Annotated[Caller, Depends(desk.administrator)],
        target_id: TargetId,
    ) -> Response:
        """Change what is named, and nothing else; needs an admin key."""
        wanted = await posted(request, ChangeAsked)

        def work() -> Answered:
            change = Change(**wanted.model_dump())
            row = desk.targets.change(caller.workspace, target_id, change)
            return Answered(TargetShown(**_fields(row)))

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    @routes.post(
        "/v1/targets/{target_id}/rotate-secret",
        summary="Give a target another secret",
        responses=responses(TargetMade, "With its new secret.", 400, 404),
        openapi_extra=body(RotationAsked, {}, is_required=False),
    )
    async def rotate_secret(
        request: Request,
        caller: Annotated[Caller, Depends(desk.administrator)],
        target_id: TargetId,
    ) -> Response:
        """A webhook's old secret signs beside the new one for 24 hours; needs an admin key."""
        wanted = await posted(request, RotationAsked)

        def work() -> Answered:
            done = desk.targets.rotate(caller.workspace, target_id, wanted.secret)
            return Answered(_made(done.row, done.secret))

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes


def _fields(row: TargetRow) -> dict[str, Any]:
    return {
        "target_id": row.target_id,
        "name": row.name,
        "kind": row.kind,
        "address": row.shown,
        "types": row.types,
        "language": row.language,
        "is_enabled": row.is_enabled,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def _item(row: TargetRow, traffic: Traffic) -> TargetItem:
    return TargetItem(**_fields(row), **traffic._asdict())


def _made(row: TargetRow, secret: str) -> TargetMade:
    return TargetMade(**_fields(row), secret=secret or None)
