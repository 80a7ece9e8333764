"""Customers: the list, filtered, sorted and paged by key."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.errors import Refused
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.query.listing import FILTERS, IDENTIFIERS, MAIN, SORTS, STANDINGS, Filter, statement
from services.query.paging import LIMIT, MAX_LIMIT, Page, cut
from services.query.search import customers_of, found_by, hashed, like
from services.store.reader import Reading

NAME: Final = "^[a-z][a-z0-9_]*$"
"""Of a stage or a tier."""
TEXT: Final = r"^[^\x00]*$"
"""PostgreSQL has no NUL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerItem:
    """A customer in short."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    """Hash of the customer's strongest identifier, 32 hex digits."""
    name: str | None
    identifiers: Sequence[str]
    """``kind:value``, strongest first."""
    stage: str | None = None
    """Lifecycle stage of the machine ``default``; null for whom nothing happened to yet."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """Stage by lifecycle machine."""
    tier: str | None = None
    """Loyalty tier; null below the lowest, and for who never had points move."""
    orders: int
    """Orders that count: completed and not cancelled."""
    refunds: int
    spend_minor: Mapping[str, int]
    """Money spent less refunds, by currency, in its minor units, like cents."""
    first_at: datetime | None
    """The first touch, RFC 3339, UTC."""
    last_at: datetime | None
    """The last touch."""
    completeness: int
    """Whole per cent of what a complete profile has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """Customers, and the cursor of what follows."""

    __pydantic_config__ = DOCUMENTED

    items: Sequence[CustomerItem]
    next_cursor: str | None
    """Send as ``cursor`` for what follows; null on the last page."""


class Asked(BaseModel):
    """What can be asked of the list."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    identifier: Annotated[str | None, Field(max_length=600, examples=["email:ada@example.org"])] = (
        None
    )
    """Exactly this one, as ``kind:value``; a phone number is read in the workspace's region."""
    q: Annotated[str | None, Field(max_length=600, examples=["ada"])] = None
    """An identifier with its kind or without, an order's id, or a part of the name in any case."""
    stage: Annotated[
        str | None, Field(min_length=1, max_length=50, pattern=NAME, examples=["at_risk"])
    ] = None
    """Only those in this lifecycle stage."""
    machine: Annotated[
        str | None, Field(min_length=1, max_length=100, pattern=TEXT, examples=["crm"])
    ] = None
    """Whose stage that is; ``default`` by default."""
    tier: Annotated[
        str | None, Field(min_length=1, max_length=50, pattern=NAME, examples=["gold"])
    ] = None
    """Only members of this loyalty tier."""
    sort: Literal["customer_id", "-last_at", "first_at", "-orders", "name"] = "customer_id"
    """By ``customer_id``, which never changes, no customer is skipped or repeated however many are
    added meanwhile. In every other order one whose value changes between two pages may be missed or
    come twice; each page is right when it is given."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Customers a page."""
    cursor: Annotated[str | None, Field(max_length=4096)] = None
    """``next_cursor`` of the page before."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers``."""
    routes = APIRouter(tags=["customers"])

    @routes.get(
        "/v1/customers",
        summary="List customers",
        responses=responses(CustomerPage, "Customers, and the cursor of what follows."),
    )
    async def list_customers(
        caller: Annotated[Caller, Depends(desk.caller)], asked: Annotated[Asked, Query()]
    ) -> Response:
        """Customers by identifier, by search, or all that were ever seen."""
        return await desk.read(caller, lambda reading: listed(reading, caller, asked, desk))

    return routes


def listed(reading: Reading, caller: Caller, asked: Asked, desk: Desk) -> Page[CustomerItem]:
    """A page; raises ``Refused`` for a cursor or an identifier that is none."""
    if asked.machine and not asked.stage:
        raise Refused(
            "says whose stage is meant, and none is", "send stage too, or leave it out",
            field="machine", value=asked.machine,
        )  # fmt: skip
    values = {name: getattr(asked, name) or "" for name in ("stage", "machine", "tier")}
    # A list without these has the cursors that it always had.
    filtered = tuple(values.values()) if any(values.values()) else ()
    of = (
        caller.workspace, "customers", asked.sort, asked.identifier or "", asked.q or "", *filtered,
    )  # fmt: skip
    sort = SORTS[asked.sort]
    *keys, id_ = desk.cursors.open(asked.cursor, of=of) if asked.cursor else sort.start
    rows = reading.rows(
        statement(sort, _joined(asked)),
        **_filters(reading, caller, asked, desk),
        **{f"key_{place}": key for place, key in enumerate(keys)},
        **values,
        id=id_,
        limit=asked.limit + 1,
    )
    shown = [row[0] for row in rows[: asked.limit]]
    about = _About(_identifiers(reading, shown), _standings(reading, shown))
    found = [(_item(row, about), (*row[8], row[0])) for row in rows]
    return cut(found, asked.limit, desk.cursors, of)


def _joined(asked: Asked) -> tuple[Filter, ...]:
    names = []
    if asked.stage:
        names.append("machine" if (asked.machine or MAIN) != MAIN else "stage")
    if asked.tier:
        names.append("tier")
    return tuple(FILTERS[name] for name in names)


def _filters(
    reading: Reading, caller: Caller, asked: Asked, desk: Desk
) -> Mapping[str, list[str] | str | None]:
    only = None
    if asked.identifier is not None:
        identifier = hashed(asked.identifier, caller.key, desk.vault.hash_key)
        only = customers_of(reading, {identifier} if identifier else set())
    # PostgreSQL has no NUL, so no name has one.
    text = (asked.q or "").replace("\0", "").strip()
    if not text:
        return {"only": only, "like": None, "found": []}
    found = found_by(reading, text, caller.key, desk.vault.hash_key)
    return {"only": only, "like": like(text), "found": found}


class _About(NamedTuple):
    """What other tables say of the customers of a page."""

    identifiers: Mapping[str, Sequence[str]]
    standings: Mapping[str, tuple[str | None, Mapping[str, str], str | None]]
    """Stage, stages by machine, and tier."""


def _identifiers(reading: Reading, customers: list[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for customer_id, kind, value in (
        reading.rows(IDENTIFIERS, customers=customers) if customers else ()
    ):
        found[customer_id].append(f"{kind}:{value}")
    return found


def _standings(
    reading: Reading, customers: list[str]
) -> Mapping[str, tuple[str | None, Mapping[str, str], str | None]]:
    return {
        customer_id: (
            stage, {machine: stay["stage"] for machine, stay in (stages or {}).items()}, tier
        )
        for customer_id, stage, stages, tier in (
            reading.rows(STANDINGS, customers=customers) if customers else ()
        )
    }  # fmt: skip


def _item(row: tuple[Any, ...], about: _About) -> CustomerItem:
    customer_id, name, orders, refunds, spend_minor, first_at, last_at, completeness, *_ = row
    stage, stages, tier = about.standings.get(customer_id, (None, {}, None))
    return CustomerItem(
        customer_id=customer_id,
        name=name,
        identifiers=about.identifiers.get(customer_id, []),
        stage=stage,
        stages=stages,
        tier=tier,
        orders=orders,
        refunds=refunds,
        spend_minor=spend_minor,
        first_at=first_at,
        last_at=last_at,
        completeness=completeness,
    )
