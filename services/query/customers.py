"""Customers: the list, filtered, sorted and paged by key."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.query.paging import LIMIT, MAX_LIMIT, Page, cut
from services.query.search import customers_of, found_by, hashed, like
from services.store.reader import Reading


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of customers: expressions with their types, and where it starts."""

    keys: tuple[tuple[str, str], ...]
    start: tuple[str, ...]
    is_descending: bool = False


ZERO: Final = "0" * 32
LAST: Final = "f" * 32
SORTS: Final[Mapping[str, Sort]] = {
    "customer_id": Sort((), (ZERO,)),
    "-last_at": Sort(
        (("coalesce(last_at, '-infinity')", "timestamptz"),), ("infinity", LAST), is_descending=True
    ),
    "first_at": Sort((("coalesce(first_at, 'infinity')", "timestamptz"),), ("-infinity", ZERO)),
    "-orders": Sort((("orders", "bigint"),), (str(2**63 - 1), LAST), is_descending=True),
    "name": Sort(
        (("name IS NULL", "boolean"), ("coalesce(lower(name), '')", "text")), ("false", "", ZERO)
    ),
}
_PAGE: Final = """
SELECT customer_id, name, orders, refunds, spend_minor, first_at, last_at, completeness,
       ARRAY[{shown}]::text[]
FROM customer
WHERE workspace = %(workspace)s
  AND (%(only)s::uuid[] IS NULL OR customer_id = ANY(%(only)s::uuid[]))
  AND (%(like)s::text IS NULL
       OR lower(name) LIKE %(like)s::text OR customer_id = ANY(%(found)s::uuid[]))
  AND ({keys}) {after} ({bounds})
ORDER BY {order} LIMIT %(limit)s
"""
IDENTIFIERS: Final = """
SELECT customer_id, kind, value FROM identifier
WHERE workspace = %(workspace)s AND customer_id = ANY(%(customers)s::uuid[]) AND value IS NOT NULL
ORDER BY customer_id, identifier
"""


def statement(sort: Sort) -> str:
    """The list's SQL in this order; nothing in it comes from a caller."""
    expressions = [expression for expression, _ in sort.keys]
    bounds = [f"%(key_{place})s::{type_}" for place, (_, type_) in enumerate(sort.keys)]
    direction = " DESC" if sort.is_descending else ""
    return _PAGE.format(
        shown=", ".join(f"({expression})::text" for expression in expressions),
        keys=", ".join([*expressions, "customer_id"]),
        after="<" if sort.is_descending else ">",
        bounds=", ".join([*bounds, "%(id)s::uuid"]),
        order=", ".join(f"{each}{direction}" for each in [*expressions, "customer_id"]),
    )


STATEMENTS: Final = {name: statement(sort) for name, sort in SORTS.items()}


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
    """Lifecycle stage; null until lifecycle is computed."""
    tier: str | None = None
    """Loyalty tier; null until loyalty is computed."""
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
    of = (caller.workspace, "customers", asked.sort, asked.identifier or "", asked.q or "")
    sort = SORTS[asked.sort]
    *keys, id_ = desk.cursors.open(asked.cursor, of=of) if asked.cursor else sort.start
    rows = reading.rows(
        STATEMENTS[asked.sort],
        **_filters(reading, caller, asked, desk),
        **{f"key_{place}": key for place, key in enumerate(keys)},
        id=id_,
        limit=asked.limit + 1,
    )
    identifiers = _identifiers(reading, [row[0] for row in rows[: asked.limit]])
    found = [(_item(row, identifiers), (*row[8], row[0])) for row in rows]
    return cut(found, asked.limit, desk.cursors, of)


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


def _identifiers(reading: Reading, customers: list[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for customer_id, kind, value in (
        reading.rows(IDENTIFIERS, customers=customers) if customers else ()
    ):
        found[customer_id].append(f"{kind}:{value}")
    return found


def _item(row: tuple[Any, ...], identifiers: Mapping[str, list[str]]) -> CustomerItem:
    customer_id, name, orders, refunds, spend_minor, first_at, last_at, completeness, *_ = row
    return CustomerItem(
        customer_id=customer_id,
        name=name,
        identifiers=identifiers.get(customer_id, []),
        orders=orders,
        refunds=refunds,
        spend_minor=spend_minor,
        first_at=first_at,
        last_at=last_at,
        completeness=completeness,
    )
