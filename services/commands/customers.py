"""Customers joined and parted by people: what the identifiers alone can't tell."""

from collections.abc import Collection
from dataclasses import dataclass

from schemas import CustomerMerged, CustomerSplit
from services.clock import Clock
from services.commands.awaiting import PATIENCE_S, Decisions, applied, token
from services.commands.control import formed
from services.errors import Conflict, NotFound, Refused
from services.log.port import Log
from services.log.position import encode


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What came of it: ``customer_ids`` are the groups as they are now, strongest first."""

    customer_ids: tuple[str, ...]
    position: str
    """A token to wait for; of the outbox while ``is_applied`` is false."""
    is_applied: bool


@dataclass(frozen=True, slots=True)
class By:
    """Who asks, like ``key:k_7``, and why, in a word or two that name nobody."""

    actor: str
    reason: str | None = None


class Customers:
    """Merges and splits; each returns once the folds have applied it, or after ten seconds."""

    def __init__(
        self, decisions: Decisions, log: Log, clock: Clock, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._decisions, self._log, self._clock = decisions, log, clock
        self._patience_s = patience_s

    def merge(self, workspace: str, into: str, merged: str, by: By) -> Regrouped:
        """Let the customer of identifier ``merged`` be part of that of ``into``.

        Raises ``NotFound`` for one that was never seen, ``Conflict`` where they are one already.
        """
        found = self._decisions.customers(workspace, [into, merged])
        for field, identifier in (("customer_id", into), ("merged", merged)):
            if identifier not in found:
                raise _unknown(field, identifier)
        if found[into] == found[merged]:
            raise Conflict(
                "is part of this customer already",
                "name another customer; GET /v1/customers/{id}/identity shows who is in it",
                field="merged",
                value=merged,
            )
        data = CustomerMerged(into=found[into], merged=found[merged], by=by.actor, reason=by.reason)
        return self._decide(workspace, data, {into, merged})

    def split(
        self, workspace: str, customer: str, identifiers: Collection[str], by: By
    ) -> Regrouped:
        """Part ``identifiers`` from the rest of a customer: no older event joins them again.

        What events joined to them goes along, so that a split takes a merge back; where events
        alone joined the whole customer, the named ones leave by themselves. Raises ``NotFound`` for
        a customer never seen, ``Refused`` for identifiers that aren't its own, or are none or all.
        """
        found = self._decisions.customers(workspace, [customer])
        if customer not in found:
            raise _unknown("customer_id", customer)
        members = set(self._decisions.members(workspace, found[customer]))
        if strange := sorted(set(identifiers) - members):
            raise Refused(
                "is not of this customer",
                "name some of the identifiers that GET /v1/customers/{id} lists",
                field="identifiers",
                value=strange[0],
            )
        if not identifiers or members == set(identifiers):
            raise Refused(
                "has to name some of the customer's identifiers, and not all",
                "leave out those that stay together with the rest",
                field="identifiers",
                value=len(identifiers),
            )
        one = along(identifiers, self._decisions.namings(workspace, found[customer]))
        one = one if one < members else set(identifiers)
        other = members - one
        data = CustomerSplit(
            one=tuple(sorted(one)), other=tuple(sorted(other)), by=by.actor, reason=by.reason
        )
        return self._decide(workspace, data, members)

    def _decide(
        self, workspace: str, data: CustomerMerged | CustomerSplit, concerned: Collection[str]
    ) -> Regrouped:
        outbox_id = self._decisions.decide(workspace, formed(data, self._clock))
        position = applied(
            self._decisions, self._log, workspace, outbox_id, patience_s=self._patience_s
        )
        groups = self._decisions.customers(workspace, sorted(concerned))
        told = token(outbox_id) if position is None else encode(position)
        return Regrouped(tuple(sorted(set(groups.values()))), told, position is not None)


def along(identifiers: Collection[str], namings: Collection[tuple[str, str]]) -> set[str]:
    """``identifiers``, and all that pairs lead to from them."""
    found: set[str] = set()
    frontier = set(identifiers)
    while frontier:
        found |= frontier
        frontier = {end for pair in namings if found & set(pair) for end in pair} - found
    return found


def _unknown(field: str, identifier: str) -> NotFound:
    return NotFound(
        "is no customer of this workspace",
        "find it with GET /v1/customers?identifier=kind:value",
        field=field,
        value=identifier,
    )
