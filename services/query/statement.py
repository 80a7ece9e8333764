"""A statement: every change of a balance, with the event behind it, adding up to the balance."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.errors import Refused
from services.query.courses import Ruled
from services.query.customer import CustomerId, group_of
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.query.instants import stretch
from services.query.paging import LIMIT, MAX_LIMIT, cut
from services.store.reader import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One change of the balance."""

    __pydantic_config__ = DOCUMENTED

    at: datetime
    kind: str
    """purchase, refund, redemption, adjustment, grant, reward (the price of one), feedback or
    expiry."""
    points: int
    """Signed."""
    balance: int
    """After it."""
    source: str
    """With ``id`` the event behind it; of an expiry, the event that the points came from."""
    id: str
    remark: str
    """What gave the points, or why; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A page of a statement, and the cursor of the next."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    at: datetime
    """The instant of the statement, which its further pages keep."""
    balance: int
    """At that instant: the points of all lines, added up."""
    lines: int
    """How many there are on all pages."""
    items: Sequence[Line]
    next_cursor: str | None
    """Send as ``cursor`` for what follows; null on the last page."""


class Asked(BaseModel):
    """What can be asked of a statement."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    at: Annotated[str | None, Field(max_length=40, examples=["2026-11-21"])] = None
    """A day, included whole by the workspace's clock, or a time as RFC 3339; now by default."""
    sort: Literal["-at", "at"] = "-at"
    """``-at`` begins with the newest line, ``at`` with the oldest."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Lines a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before; what is told meanwhile appears in its place."""


class Mark(NamedTuple):
    """Where a page ended."""

    statement_at: str
    at: str
    kind: str
    source: str
    id: str


_AT: Final = attrgetter("at")


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/loyalty/statement``."""
    routes = APIRouter(tags=["loyalty"])

    @routes.get(
        "/v1/customers/{customer_id}/loyalty/statement",
        summary="Show every change of a balance",
        responses=responses(Statement, "Lines that add up to the balance.", 404),
    )
    async def show_statement(
        caller: Annotated[Caller, Depends(desk.caller)],
        customer_id: CustomerId,
        asked: Annotated[Asked, Query()],
    ) -> Response:
        """For now or any day in the past. What was told late is in it from when it happened."""
        return await desk.read(
            caller, lambda reading: stated(reading, customer_id, asked, desk), is_slow=True
        )

    return routes


def stated(reading: Reading, identifier: str, asked: Asked, desk: Desk) -> Statement:
    """A page; raises ``NotFound``, and ``Refused`` for a cursor or time that is none."""
    customer_id = group_of(reading, identifier)
    of = (reading.workspace, "statement", customer_id, asked.sort, asked.at or "")
    mark = Mark(*desk.cursors.open(asked.cursor, of=of)) if asked.cursor else None
    row, ruled = desk.lines.row(reading, customer_id), desk.courses.ruled(reading)
    # Never before what is folded, though our clock was set back or a producer's is ahead.
    now = max(desk.clock.now(), ruled.time.at(row.as_of if row else None))
    at = datetime.fromisoformat(mark.statement_at) if mark else _instant(asked.at, ruled, now)
    lines = desk.lines.until(reading, customer_id, row, (at, now))
    found = [
        (_line(line), Mark(at.isoformat(), line.at.isoformat(), line.kind, line.source, line.id))
        for line in _after(mark, lines, asked)
    ]
    page = cut(found, asked.limit, desk.cursors, of)
    return Statement(
        customer_id=customer_id,
        at=at,
        balance=lines[-1].balance if lines else 0,
        lines=len(lines),
        items=page.items,
        next_cursor=page.next_cursor,
    )


def _instant(asked: str | None, ruled: Ruled, now: datetime) -> datetime:
    """The instant asked for; the present by default."""
    if asked is None:
        return now
    wanted = stretch(asked, ruled.zone_at(now), field="at")
    if wanted.first > now:
        raise Refused(
            "is in the future", "ask for a day that has begun", field="at", value=asked[:80]
        )
    return min(wanted.last, now)


def _after(mark: Mark | None, lines: Sequence[Any], asked: Asked) -> Sequence[Any]:
    """The lines of a page, and one more."""
    is_newest_first = asked.sort == "-at"
    place = len(lines) if is_newest_first else 0
    if mark:
        at = datetime.fromisoformat(mark.at)
        last = bisect_right(lines, at, key=_AT)
        place = last
        for there in range(last - 1, -1, -1):
            line = lines[there]
            if line.at != at:
                break
            if (line.kind, line.source, line.id) == mark[2:]:
                place = there if is_newest_first else there + 1
                break
    if is_newest_first:
        return lines[max(0, place - asked.limit - 1) : place][::-1]
    return lines[place : place + asked.limit + 1]


def _line(told: Any) -> Line:
    return Line(
        at=told.at,
        kind=told.kind,
        points=told.points,
        balance=told.balance,
        source=told.source,
        id=told.id,
        remark=told.remark,
    )
