"""Timeline: a customer's events, newest first, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas import TYPES, key_of, upcast
from schemas.custom import Custom, custom_name
from schemas.envelope import Rank, Unsealed
from services.errors import BadRecord
from services.query.archived import Touch
from services.query.customer import MEMBERS, CustomerId, group_of
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.paging import LIMIT, MAX_LIMIT, Page, cut
from services.vault.seal import unseal

_UNSEALED: Final = msgspec.json.Decoder(Unsealed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchItem:
    """An event in short."""

    __pydantic_config__ = DOCUMENTED

    id: str
    """The producer's."""
    type: str
    """``family.verb``."""
    occurred_at: datetime
    """When it happened, by the producer's clock, RFC 3339, UTC."""
    source: str
    """The system that saw it."""
    summary: str
    """One line that names nobody."""
    text: str | None = None
    """What was written, if ``text=true`` asks for it; null where nothing was, or once erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchPage:
    """Events, and the cursor of older ones."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[TouchItem]
    next_cursor: str | None
    """Send as ``cursor`` for older events; null on the last page."""


class Asked(BaseModel):
    """What can be asked of a timeline."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    family: Annotated[list[str], Field(max_length=50, examples=[["purchase", "email"]])] = []
    """Only these families, like ``purchase`` or ``email``; may be repeated."""
    text: bool = False
    """Open what was written too (message, subject, comment), which rests sealed."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Events a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before. Events that come late appear in their place."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/timeline``."""
    routes = APIRouter(tags=["customers"])

    @routes.get(
        "/v1/customers/{customer_id}/timeline",
        summary="Show a customer's events",
        responses=responses(TouchPage, "Events, newest first.", 404),
    )
    async def show_timeline(
        caller: Annotated[Caller, Depends(desk.caller)],
        customer_id: CustomerId,
        asked: Annotated[Asked, Query()],
    ) -> Response:
        """Everything that happened, from the archive, which is half a second behind the profile."""
        return await desk.answer(
            caller, lambda: _answered(desk, caller, customer_id, asked), desk.archived, is_slow=True
        )

    return routes


def _answered(desk: Desk, caller: Caller, customer_id: str, asked: Asked) -> Answered:
    with desk.reader.reading(caller.workspace) as reading:
        position = reading.archived()
        group = group_of(reading, customer_id)
        leaves = [row[0] for row in reading.rows(MEMBERS, customer_id=group)]
    of = (caller.workspace, "timeline", group, *sorted(asked.family))
    before = _rank(desk.cursors.open(asked.cursor, of=of)) if asked.cursor else None
    touches = desk.timelines.timeline(
        caller.workspace, leaves, families=asked.family, before=before, limit=asked.limit + 1
    )
    texts = _texts(desk, caller.workspace, touches[: asked.limit]) if asked.text else {}
    found = [(item(touch, texts.get(touch.rank)), _keys(touch.rank)) for touch in touches]
    page: Page[TouchItem] = cut(found, asked.limit, desk.cursors, of)
    return Answered(page, position)


def item(touch: Touch, text: str | None = None) -> TouchItem:
    """``touch`` as it is shown."""
    return TouchItem(
        id=touch.id,
        type=touch.type,
        occurred_at=touch.occurred_at,
        source=touch.source,
        summary=summary(touch.type, touch.version, touch.data),
        text=text,
    )


def summary(type_: str, version: int, data: bytes) -> str:
    """One line of what happened; of an event that this version does not know, its type."""
    if name := custom_name(type_):
        return Custom(name=name).summary()
    kind: Any = TYPES.get(key_of(type_) or "")
    if kind is None:
        return type_
    try:
        if version == kind.version:
            typed = msgspec.json.decode(data, type=kind)
        else:
            older = msgspec.json.decode(data, type=dict[str, object])
            typed = msgspec.convert(upcast.upcast(type_, version, older), kind)
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError):
        return type_
    return str(typed.summary())


def _texts(desk: Desk, workspace: str, touches: Sequence[Touch]) -> dict[Rank, str]:
    """What was written, of those events that have any text which still opens."""
    key_ids = {touch.sealed.key_id for touch in touches if touch.sealed}
    secrets = desk.vault.secrets(key_ids) if key_ids else {}
    texts = {}
    for touch in touches:
        if touch.sealed is None or touch.sealed.key_id not in secrets:
            continue
        bound_to = f"{workspace}\0{touch.source}\0{touch.id}".encode()
        try:
            plain = unseal(secrets[touch.sealed.key_id], touch.sealed, bound_to=bound_to)
        except BadRecord:
            continue
        personal = _UNSEALED.decode(plain).personal
        written = [
            str(personal[name]) for name in ("subject", "text", "comment") if personal.get(name)
        ]
        if written:
            texts[touch.rank] = "\n\n".join(written)
    return texts


def _keys(rank: Rank) -> tuple[str, str, str]:
    occurred_at, source, id_ = rank
    return occurred_at.isoformat(), source, id_


def _rank(keys: tuple[str, ...]) -> Rank:
    occurred_at, source, id_ = keys
    return datetime.fromisoformat(occurred_at).astimezone(UTC), source, id_
