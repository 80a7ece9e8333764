"""Policies: the rules of a workspace, shown and published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.commands import policies
from services.commands.policies import Draft, Published
from services.edge.answers import as_fields
from services.log.position import decode
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.idempotent import IdempotencyKey, asked
from services.query.posted import body, posted
from services.query.redemptions import accepted


class PublishAsked(BaseModel):
    """A policy, whole."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    kind: Annotated[str, Field(max_length=50, examples=["loyalty"])]
    """What it rules: ``loyalty``, ``lifecycle`` or ``alert``."""
    name: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    """Which of its kind, like one of several lifecycle machines."""
    rules: dict[str, Any]
    """The tree of rules; begin with the one in force."""
    effective_at: AwareDatetime | None = None
    """From when on it applies: fifteen minutes from now or later, the first such minute by
    default; before a workspace's first event from the beginning."""
    force: bool = False
    """Switch an alert rule on though that very rule was never backtested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyShown:
    """A version of a policy."""

    __pydantic_config__ = DOCUMENTED

    kind: str
    name: str
    version: int
    effective_at: datetime | None
    """From when on it applies; null is from the beginning."""
    published_at: datetime
    is_in_force: bool
    """Whether it rules now."""
    rules: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPage:
    """Every version of every policy, by kind and name, in the order in which they apply."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[PolicyShown]
    next_cursor: str | None = None
    """Always null: there is one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationShown:
    """What was published."""

    __pydantic_config__ = DOCUMENTED

    kind: str
    name: str
    version: int
    effective_at: datetime | None
    """From when on it applies; null is from the beginning."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""
    is_applied: bool
    """False with 202: it is safe, and not known to the folds yet."""


def router(desk: Desk) -> APIRouter:
    """``GET`` and ``POST /v1/policies``."""
    routes = APIRouter(tags=["policies"])
    documented = responses(PublicationShown, "Published.", 400, 422)
    earn = {"name": "euro", "currency": "EUR", "per_minor": 100}
    example = {"kind": "loyalty", "rules": {"earn": [earn]}}

    @routes.get(
        "/v1/policies",
        summary="List policies",
        responses=responses(PolicyPage, "Every version of every policy."),
    )
    async def list_policies(caller: Annotated[Caller, Depends(desk.caller)]) -> Response:
        """The rules that stages, points and tiers follow, past and future ones too."""

        def work() -> Answered:
            every = desk.policies.policies(caller.workspace)
            ruling = policies.in_force(every, desk.clock.now())
            shown = [PolicyShown(is_in_force=one in ruling, **one._asdict()) for one in every]
            return Answered(PolicyPage(items=shown))

        return await desk.answer(caller, work, desk.folded)

    @routes.post(
        "/v1/policies",
        status_code=201,
        summary="Publish a policy",
        responses={201: documented.pop(200), **documented} | accepted(PublicationShown),
        openapi_extra=body(PublishAsked, example),
    )
    async def publish_policy(
        request: Request,
        caller: Annotated[Caller, Depends(desk.administrator)],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Let a new version apply from ``effective_at`` on; needs an admin key.

        What is wrong with it is told whole: ``problems`` has each with its place and remedy.
        """
        wanted = await posted(request, PublishAsked)

        def work() -> Answered:
            if problems := desk.policies.problems(caller.workspace, wanted.kind, wanted.rules):
                every = [as_fields(problem) for problem in problems]
                return Answered({**every[0], "problems": every}, None, 422)
            draft = Draft(
                wanted.kind, wanted.name, wanted.rules, wanted.effective_at, is_forced=wanted.force
            )
            done = desk.policies.publish(asked(caller, idempotency_key), draft)
            return _answered(done)

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes


def _answered(done: Published) -> Answered:
    shown = PublicationShown(
        kind=done.kind,
        name=done.name,
        version=done.version,
        effective_at=done.effective_at,
        position=done.position,
        is_applied=done.is_applied,
    )
    if not done.is_applied:
        return Answered(shown, done.position, 202)
    return Answered(shown, decode(done.position), 201)
