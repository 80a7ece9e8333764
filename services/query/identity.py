"""Identity: why these identifiers are one customer, and what was refused to join them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Response

from services.query.customer import MEMBERS, CustomerId, group_of
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.store.reader import Reading

SHOWN: Final = 500
"""A shop's tablet may be named with a hundred thousand customers."""
EDGES: Final = """
SELECT a, b, is_merge, occurred_at, source, id, is_refused FROM edge
WHERE workspace = %(workspace)s
  AND (a = ANY(%(members)s::uuid[]) OR b = ANY(%(members)s::uuid[]))
ORDER BY occurred_at DESC, source DESC, id DESC LIMIT %(limit)s
"""
ENDS: Final = """
SELECT identifier, kind, value, customer_id, is_common FROM identifier
WHERE workspace = %(workspace)s AND identifier = ANY(%(ends)s::uuid[])
"""
SPLITS: Final = """
SELECT occurred_at, source, id, one, other FROM split
WHERE workspace = %(workspace)s AND (one || other) && %(members)s::uuid[]
ORDER BY occurred_at, source, id
"""
Why = Literal["common", "split", "two_users", "too_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An identifier of the customer."""

    __pydantic_config__ = DOCUMENTED

    identifier: str
    """Its hash, 32 hex digits: an id that answers for the customer."""
    kind: str
    value: str | None
    """As normalised; null once it was erased."""
    is_common: bool
    """More than three logins name it, like a shop's tablet: it joins nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeShown:
    """Two identifiers that one event names, or that a person joined."""

    __pydantic_config__ = DOCUMENTED

    a: str
    """Hash of the stronger identifier."""
    b: str
    """Hash of the other."""
    names: Sequence[str]
    """The two as ``kind:value``, where they are known."""
    is_merge: bool
    """A person joined them; else an event names both."""
    occurred_at: datetime
    source: str
    event_id: str
    is_refused: bool
    """It joins nobody."""
    why: Why | None
    """``common``: more than three logins name one of them; ``two_users``: it would join two logins;
    ``split``: it is older than a split between them; ``too_many``: more than 50 identifiers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShown:
    """People parted these: nothing older joins the two sides."""

    __pydantic_config__ = DOCUMENTED

    occurred_at: datetime
    event_id: str
    one: Sequence[str]
    """Hashes of the one side."""
    other: Sequence[str]
    """Hashes of the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A customer's identifiers, and what joins them."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    members: Sequence[Member]
    """Strongest first."""
    edges: Sequence[EdgeShown]
    """What joins them, newest first, at most 500."""
    refused: Sequence[EdgeShown]
    """What joins nobody, newest first; kept, since an older event may free it."""
    splits: Sequence[SplitShown]


class End(NamedTuple):
    """What is known of one end of an edge."""

    kind: str
    value: str | None
    customer_id: str
    is_common: bool


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}/identity``."""
    routes = APIRouter(tags=["customers"])

    @routes.get(
        "/v1/customers/{customer_id}/identity",
        summary="Show why identifiers are one customer",
        responses=responses(Identity, "Identifiers, what joins them and what does not.", 404),
    )
    async def show_identity(
        caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """Identifiers, the events that join them, and those that were refused, with the reason."""
        return await desk.read(caller, lambda reading: explained(reading, customer_id))

    return routes


def explained(reading: Reading, identifier: str) -> Identity:
    """The group of ``identifier``; raises ``NotFound``."""
    customer_id = group_of(reading, identifier)
    rows = reading.rows(MEMBERS, customer_id=customer_id)
    members = [row[0] for row in rows]
    edges = reading.rows(EDGES, members=members, limit=SHOWN)
    ends = sorted({end for a, b, *_ in edges for end in (a, b)})
    known = {hash_: End(*rest) for hash_, *rest in reading.rows(ENDS, ends=ends)}
    splits = reading.rows(SPLITS, members=members)
    shown = [_edge(row, known, splits) for row in edges]
    return Identity(
        customer_id=customer_id,
        members=[
            Member(identifier=hash_, kind=kind, value=value, is_common=is_common)
            for hash_, kind, value, is_common in rows
        ],
        edges=[edge for edge in shown if not edge.is_refused],
        refused=[edge for edge in shown if edge.is_refused],
        splits=[
            SplitShown(occurred_at=at, event_id=id_, one=one, other=other)
            for at, _, id_, one, other in splits
        ],
    )


def _edge(
    row: tuple[Any, ...], known: Mapping[str, End], splits: Sequence[tuple[Any, ...]]
) -> EdgeShown:
    a, b, is_merge, at, source, id_, is_refused = row
    ends = [known[end] for end in (a, b) if end in known]
    return EdgeShown(
        a=a,
        b=b,
        names=[f"{end.kind}:{end.value}" for end in ends if end.value is not None],
        is_merge=is_merge,
        occurred_at=at,
        source=source,
        event_id=id_,
        is_refused=is_refused,
        why=why(ends, (at, source, id_), splits) if is_refused else None,
    )


def why(
    ends: Sequence[End], rank: tuple[datetime, str, str], splits: Sequence[tuple[Any, ...]]
) -> Why:
    """The rule that refuses an edge, by what is known now; the scan asks in this order too."""
    groups = {end.customer_id for end in ends}
    if any(rank < (at, source, id_) for at, source, id_, *_ in splits) and len(groups) > 1:
        return "split"
    if any(end.is_common for end in ends):
        return "common"
    # A group's id is its strongest identifier, and a login's hash begins with 0.
    if len(groups) > 1 and all(group.startswith("0") for group in groups):
        return "two_users"
    return "too_many"
