"""A customer: who it is, and how much there was of everything."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response

from schemas.envelope import Trait
from services.errors import NotFound
from services.query.desk import DOCUMENTED, Caller, Desk, responses
from services.store.reader import Reading

_ID: Final = re.compile(r"[0-9a-f]{32}")
CustomerId = Annotated[
    str,
    Path(
        description="A customer's id, or any id that ever was one: whoever it is part of answers.",
        examples=["0c9b9c7e6d1f4b0fa1c5a1c5a1c5a1c5"],
    ),
]

GROUP: Final = """
SELECT customer_id FROM identifier
WHERE workspace = %(workspace)s AND identifier = %(identifier)s::uuid
"""
MEMBERS: Final = """
SELECT identifier, kind, value, is_common FROM identifier
WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid ORDER BY identifier
"""
CUSTOMER: Final = """
SELECT name, traits, families, channels, first_at, last_at, orders, refunds, spend_minor,
       completeness, stage, stages, tier
FROM customer
LEFT JOIN lifecycle USING (workspace, customer_id)
LEFT JOIN loyalty USING (workspace, customer_id)
WHERE workspace = %(workspace)s AND customer_id = %(customer_id)s::uuid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitSource:
    """The event that a trait's value comes from: the last to tell it, by producers' clocks."""

    __pydantic_config__ = DOCUMENTED

    source: str
    event_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer: a group of identifiers, and what all their events say together."""

    __pydantic_config__ = DOCUMENTED

    customer_id: str
    """Hash of the strongest identifier, 32 hex digits; another one once a stronger one joins."""
    name: str | None = None
    """The trait ``name``, or ``first_name`` and ``last_name``."""
    identifiers: Sequence[str]
    """``kind:value``, strongest first: user, email, phone, external ids, anonymous."""
    traits: Mapping[str, Trait] = field(default_factory=dict)
    """What is known of the customer, by name."""
    trait_sources: Mapping[str, TraitSource] = field(default_factory=dict)
    """For each trait the event that told it."""
    stage: str | None = None
    """Lifecycle stage of the machine ``default``; null for whom nothing happened to yet."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """Stage by lifecycle machine."""
    tier: str | None = None
    """Loyalty tier; null below the lowest, and for who never had points move."""
    orders: int = 0
    """Orders that count: completed and not cancelled, each once, whoever reported it."""
    refunds: int = 0
    """Refunds of these orders."""
    spend_minor: Mapping[str, int] = field(default_factory=dict)
    """Money spent less refunds, by currency, in its minor units, like cents."""
    first_at: datetime | None = None
    """The first touch, RFC 3339, UTC; null where no event had this customer as its strongest."""
    last_at: datetime | None = None
    """The last touch."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Events by family, like ``email`` or ``purchase``."""
    channels: Mapping[str, int] = field(default_factory=dict)
    """Events by the channel they name, like ``sms``."""
    completeness: int = 0
    """Whole per cent of what a complete profile has: 100 knows name, address and all."""


def router(desk: Desk) -> APIRouter:
    """``GET /v1/customers/{customer_id}``."""
    routes = APIRouter(tags=["customers"])

    @routes.get(
        "/v1/customers/{customer_id}",
        summary="Show a customer",
        responses=responses(Customer, "The customer that this id is part of now.", 404),
    )
    async def show_customer(
        caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """Any id ever issued answers, with the customer's id as it is now."""
        return await desk.read(caller, lambda reading: shown(reading, customer_id))

    return routes


def shown(reading: Reading, identifier: str) -> Customer:
    """The customer whom ``identifier`` is part of; raises ``NotFound``."""
    customer_id = group_of(reading, identifier)
    members = reading.rows(MEMBERS, customer_id=customer_id)
    identifiers = [f"{kind}:{value}" for _, kind, value, _ in members if value is not None]
    row = reading.row(CUSTOMER, customer_id=customer_id)
    if row is None:
        # Named beside stronger ones only, and parted from them: there is nobody else to tell of it.
        return Customer(customer_id=customer_id, identifiers=identifiers)
    return _customer(customer_id, identifiers, row)


def group_of(reading: Reading, identifier: str) -> str:
    """The id, as it is now, of the customer whom ``identifier`` is part of; raises ``NotFound``."""
    row = reading.row(GROUP, identifier=identifier) if _ID.fullmatch(identifier) else None
    if row is None:
        raise NotFound(
            "is no customer of this workspace",
            "find it with GET /v1/customers?identifier=kind:value",
            field="customer_id",
            value=identifier[:80],
        )
    return str(row[0])


def _customer(customer_id: str, identifiers: Sequence[str], row: tuple[Any, ...]) -> Customer:
    name, traits, families, channels, first_at, last_at, *counted, stage, stages, tier = row
    orders, refunds, spend, completeness = counted
    return Customer(
        customer_id=customer_id,
        name=name,
        identifiers=identifiers,
        traits={name: value for name, (value, *_) in traits.items()},
        trait_sources={
            name: TraitSource(source=source, event_id=id_, occurred_at=datetime.fromisoformat(at))
            for name, (_, at, source, id_) in traits.items()
        },
        stage=stage,
        stages={machine: stay["stage"] for machine, stay in (stages or {}).items()},
        tier=tier,
        orders=orders,
        refunds=refunds,
        spend_minor=spend,
        first_at=first_at,
        last_at=last_at,
        counts=families,
        channels=channels,
        completeness=completeness,
    )
