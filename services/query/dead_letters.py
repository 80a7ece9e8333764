"""Dead letters: what could not be taken in, to look at, correct and send again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.log.position import decode
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.paging import LIMIT, MAX_LIMIT, Page, cut
from services.store.letters import LetterRow, State

LetterId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The letter's number.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterItem:
    """A dead letter in short."""

    __pydantic_config__ = DOCUMENTED

    letter_id: int
    state: State
    reason: str
    """Why it could not be taken in."""
    field: str | None
    """Where, like ``data.currency``; null where it is the event as a whole."""
    origin: str
    """``log``, or the file and line, or the webhook."""
    source: str | None
    id: str | None
    """The event's id, where it could be read."""
    type: str | None
    """The event's type, where it could be read."""
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterShown(LetterItem):
    """A dead letter with what is in it."""

    event: Any
    """The event as it could be posted, to be corrected; null where it is no JSON or not open."""
    text: str | None
    """What is in it, where that is no JSON."""
    is_open: bool
    """Whether its content could be opened; not once its key was destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPage:
    """Dead letters, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[LetterItem]
    next_cursor: str | None
    """Send as ``cursor`` for older ones; null on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmission:
    """The letter was taken in."""

    __pydantic_config__ = DOCUMENTED

    letter_id: int
    state: State
    id: str
    """The id that the event was taken in under."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""


class Asked(BaseModel):
    """What can be asked of the list."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    state: State | None = None
    """Only letters in this state."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Letters a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before."""


def router(desk: Desk) -> APIRouter:
    """``/v1/dead-letters``, one of them, and sending it again."""
    routes = APIRouter(tags=["dead letters"])

    @routes.get(
        "/v1/dead-letters",
        summary="List dead letters",
        responses=responses(LetterPage, "Dead letters, newest first."),
    )
    async def list_letters(
        caller: Annotated[Caller, Depends(desk.caller)], asked: Annotated[Asked, Query()]
    ) -> Response:
        """Records that could not be folded, and events refused where nobody could be told."""
        return await desk.answer(caller, lambda: Answered(_page(desk, caller, asked)), desk.folded)

    @routes.get(
        "/v1/dead-letters/{letter_id}",
        summary="Show a dead letter",
        responses=responses(LetterShown, "The letter, opened.", 404),
    )
    async def show_letter(
        caller: Annotated[Caller, Depends(desk.caller)], letter_id: LetterId
    ) -> Response:
        """The event as it could be posted, what names a person included."""

        def work() -> Answered:
            row = desk.letters.find(caller.workspace, letter_id)
            return Answered(shown(row, desk.letters.opened(row)))

        return await desk.answer(caller, work, desk.folded)

    @routes.post(
        "/v1/dead-letters/{letter_id}/resubmit",
        summary="Send a dead letter again",
        responses=responses(Resubmission, "It is durable in the log.", 404, 409),
        openapi_extra={"requestBody": _BODY},
    )
    async def resubmit_letter(
        request: Request, caller: Annotated[Caller, Depends(desk.caller)], letter_id: LetterId
    ) -> Response:
        """As it is, or corrected by the event in the body; asked again, it answers the same."""
        corrected = (await request.body()).strip() or None

        def work() -> Answered:
            send = desk.send(caller.key)
            done = desk.letters.resubmit(caller.workspace, letter_id, send, corrected=corrected)
            answered = Resubmission(
                letter_id=letter_id, state="resubmitted", id=done.id, position=done.position
            )
            return Answered(answered, decode(done.position))

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes


_BODY: dict[str, Any] = {
    "required": False,
    "description": "The corrected event, whole; left out, the letter is sent as it is.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}


def shown(row: LetterRow, content: bytes | None) -> LetterShown:
    """The letter with its ``content``, as an event or as text."""
    event, text = None, None
    if content is not None:
        try:
            event = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = content.decode("utf-8", "replace")
    return LetterShown(**_fields(row), event=event, text=text, is_open=content is not None)


def _page(desk: Desk, caller: Caller, asked: Asked) -> Page[LetterItem]:
    of = (caller.workspace, "dead-letters", asked.state or "")
    before = int(desk.cursors.open(asked.cursor, of=of)[0]) if asked.cursor else None
    rows = desk.letters.page(
        caller.workspace, state=asked.state, before=before, limit=asked.limit + 1
    )
    found = [(LetterItem(**_fields(row)), (str(row.letter_id),)) for row in rows]
    return cut(found, asked.limit, desk.cursors, of)


def _fields(row: LetterRow) -> dict[str, Any]:
    letter = row.letter
    return {
        "letter_id": row.letter_id,
        "state": row.state,
        "reason": letter.reason,
        "field": letter.field,
        "origin": letter.origin,
        "source": letter.source,
        "id": letter.event_id,
        "type": letter.type,
        "created_at": row.created_at,
        "resolved_at": row.resolved_at,
    }
