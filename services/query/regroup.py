"""Merging and splitting customers: what people know and identifiers can't tell."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.commands.awaiting import decode
from services.commands.customers import By, Regrouped
from services.errors import NotFound, Refused
from services.query.customer import CustomerId
from services.query.desk import DOCUMENTED, Answered, Caller, Desk, responses
from services.query.posted import body, posted
from services.query.redemptions import accepted
from services.query.search import hashed

_HASH = re.compile(r"[0-9a-f]{32}")
Reason = Annotated[str | None, Field(min_length=1, max_length=200)]


class MergeAsked(BaseModel):
    """The customer that joins the one in the path."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    merged: Annotated[str, Field(max_length=600, examples=["email:ada@example.org"])]
    """A customer's id, or an identifier of it as ``kind:value``."""
    reason: Reason = None
    """Why, in a word or two that name nobody."""


class SplitAsked(BaseModel):
    """The identifiers that are somebody else's."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    identifiers: Annotated[
        list[Annotated[str, Field(max_length=600)]],
        Field(min_length=1, max_length=1000, examples=[["email:ada@example.org"]]),
    ]
    """As ``kind:value`` or as hashes: some of the customer's, not all."""
    reason: Reason = None
    """Why, in a word or two that name nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegroupShown:
    """What came of it."""

    __pydantic_config__ = DOCUMENTED

    customer_ids: Sequence[str]
    """The customers as they are now, the one with the strongest identifier first."""
    position: str
    """Send as ``Touchline-Wait-For`` to read what came of it."""
    is_applied: bool
    """False with 202: it is safe, and not folded yet."""


def router(desk: Desk) -> APIRouter:
    """``POST /v1/customers/{customer_id}/merge`` and ``/split``."""
    routes = APIRouter(tags=["customers"])
    documented = responses(RegroupShown, "Applied.", 404, 409) | accepted(RegroupShown)

    @routes.post(
        "/v1/customers/{customer_id}/merge",
        summary="Merge two customers",
        responses=documented,
        openapi_extra=body(MergeAsked, {"merged": "email:ada@example.org"}),
    )
    async def merge_customers(
        request: Request, caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """Let another customer be part of this one. Nothing is rewritten: a split takes it back."""
        asked = await posted(request, MergeAsked)
        names = Names(desk, caller)

        def work() -> Answered:
            into = names.hash("customer_id", customer_id)
            merged = names.hash("merged", asked.merged)
            with names.as_sent():
                return _answered(
                    desk.customers.merge(caller.workspace, into, merged, _by(caller, asked.reason))
                )

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    @routes.post(
        "/v1/customers/{customer_id}/split",
        summary="Split a customer",
        responses=documented,
        openapi_extra=body(SplitAsked, {"identifiers": ["email:ada@example.org"]}),
    )
    async def split_customer(
        request: Request, caller: Annotated[Caller, Depends(desk.caller)], customer_id: CustomerId
    ) -> Response:
        """Part some identifiers from the rest. No older event joins them again; a newer one may."""
        asked = await posted(request, SplitAsked)
        names = Names(desk, caller)

        def work() -> Answered:
            customer = names.hash("customer_id", customer_id)
            parted = [names.hash("identifiers", identifier) for identifier in asked.identifiers]
            by = _by(caller, asked.reason)
            with names.as_sent():
                return _answered(desk.customers.split(caller.workspace, customer, parted, by))

        return await desk.answer(caller, work, desk.folded, is_slow=True)

    return routes


@dataclass(frozen=True, slots=True)
class Names:
    """Identifiers as hashes, and how the caller wrote each, so that refusals speak his words."""

    desk: Desk
    caller: Caller
    sent: dict[str, str] = field(default_factory=dict)

    def hash(self, field_: str, identifier: str) -> str:
        """The hash of an identifier; raises ``Refused`` where it can be none."""
        if _HASH.fullmatch(identifier):
            return identifier
        if ":" not in identifier:
            raise NotFound(
                "is no customer of this workspace",
                "send a customer_id, or an identifier as kind:value",
                field=field_,
                value=identifier[:80],
            )
        found = hashed(identifier, self.caller.key, self.desk.vault.hash_key, field=field_)
        if found is None:
            remedy = "name an identifier of the customer"
            raise Refused("names nobody", remedy, field=field_, value=identifier[:80])
        self.sent[found] = identifier
        return found

    @contextmanager
    def as_sent(self) -> Iterator[None]:
        """Let what the block refuses be told as it was sent."""
        try:
            yield
        except Refused as error:
            value = error.problem.value
            error.problem = replace(error.problem, value=self.sent.get(str(value), value))
            raise


def _by(caller: Caller, reason: str | None) -> By:
    return By(f"key:{caller.key.key_id}", reason)


def _answered(done: Regrouped) -> Answered:
    shown = RegroupShown(
        customer_ids=done.customer_ids, position=done.position, is_applied=done.is_applied
    )
    position = decode(done.position).position if done.is_applied else None
    return Answered(shown, position, 200 if done.is_applied else 202)
