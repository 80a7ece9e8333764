"""Listing customers in SQL: in which orders, and only which of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of customers: expressions with their types, and where it starts."""

    keys: tuple[tuple[str, str], ...]
    start: tuple[str, ...]
    is_descending: bool = False


MAIN: Final = "default"
"""The machine whose stage is the customer's stage."""
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
FROM customer {joined}
WHERE workspace = %(workspace)s
  AND (%(only)s::uuid[] IS NULL OR customer_id = ANY(%(only)s::uuid[]))
  AND (%(like)s::text IS NULL
       OR lower(name) LIKE %(like)s::text OR customer_id = ANY(%(found)s::uuid[]))
  AND ({keys}) {after} ({bounds}) {filtered}
ORDER BY {order} LIMIT %(limit)s
"""
IDENTIFIERS: Final = """
SELECT customer_id, kind, value FROM identifier
WHERE workspace = %(workspace)s AND customer_id = ANY(%(customers)s::uuid[]) AND value IS NOT NULL
ORDER BY customer_id, identifier
"""


STANDINGS: Final = """
SELECT customer_id, stage, stages, tier
FROM unnest(%(customers)s::uuid[]) AS page (customer_id)
LEFT JOIN (SELECT * FROM lifecycle WHERE workspace = %(workspace)s) AS lifecycle
    USING (customer_id)
LEFT JOIN (SELECT * FROM loyalty WHERE workspace = %(workspace)s) AS loyalty USING (customer_id)
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on another table, and that table."""

    table: str
    condition: str


FILTERS: Final[Mapping[str, Filter]] = {
    "stage": Filter("lifecycle", "stage = %(stage)s"),
    # No index: the machines of a workspace are its own. Customers are looked through in order.
    "machine": Filter("lifecycle", "stages -> %(machine)s::text ->> 'stage' = %(stage)s"),
    "tier": Filter("loyalty", "tier = %(tier)s"),
}


@cache
def statement(sort: Sort, filters: tuple[Filter, ...] = ()) -> str:
    """The list's SQL in this order; nothing in it comes from a caller."""
    expressions = [expression for expression, _ in sort.keys]
    bounds = [f"%(key_{place})s::{type_}" for place, (_, type_) in enumerate(sort.keys)]
    direction = " DESC" if sort.is_descending else ""
    conditions = [one.condition for one in filters]
    if not expressions:
        # Said of both tables, so that the index of stages or tiers is entered where the page is.
        conditions += [f"{one.table}.customer_id > %(id)s::uuid" for one in filters]
    return _PAGE.format(
        shown=", ".join(f"({expression})::text" for expression in expressions),
        joined=" ".join(f"JOIN {one.table} USING (workspace, customer_id)" for one in filters),
        keys=", ".join([*expressions, "customer_id"]),
        after="<" if sort.is_descending else ">",
        bounds=", ".join([*bounds, "%(id)s::uuid"]),
        filtered="".join(f"AND {condition} " for condition in conditions),
        order=", ".join(f"{each}{direction}" for each in [*expressions, "customer_id"]),
    )
