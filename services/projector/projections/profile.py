"""Profile: who the customer is, and how much there was of everything."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from schemas.envelope import Trait
from services.fold.orders import Settled
from services.fold.projection import Event, Projection, View
from services.store.port import Identifier

COMPLETE: Final = (
    ("name", "first_name", "last_name"),
    ("city", "postal_code", "street"),
    ("birthday",),
    ("gender",),
    ("language",),
)
"""Groups of traits of which one is enough for a profile to be complete."""
COMPLETE_KINDS: Final = frozenset({"user", "email", "phone"})
"""Identifiers that make it so: a login, an e-mail, a phone."""


class Register(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A trait's last word by the canonical order; ``value`` None says it was unset."""

    occurred_at: datetime
    source: str
    id: str
    value: Trait

    @property
    def key(self) -> tuple[datetime, str, str]:
        """Its place in the canonical order."""
        return self.occurred_at, self.source, self.id


class Profile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Facts of one leaf; sums, extremes and registers only, so that order can't matter."""

    families: dict[str, int] = {}
    channels: dict[str, int] = {}
    traits: dict[str, Register] = {}
    first_at: datetime | None = None
    last_at: datetime | None = None
    orders: int = 0
    refunds: int = 0
    spend_minor: dict[str, int] = {}


def evolve(facts: Profile, event: Event) -> Profile:
    """One more touch."""
    at, family = event.recorded.occurred_at, event.family
    channel = getattr(event.data, "channel", None)
    return Profile(
        {**facts.families, family: facts.families.get(family, 0) + 1},
        {**facts.channels, channel: facts.channels.get(channel, 0) + 1}
        if channel
        else facts.channels,
        _described(facts.traits, event) if event.traits else facts.traits,
        at if facts.first_at is None or at < facts.first_at else facts.first_at,
        at if facts.last_at is None or at > facts.last_at else facts.last_at,
        facts.orders,
        facts.refunds,
        facts.spend_minor,
    )


def reorder(facts: Profile, before: Settled | None, after: Settled | None) -> Profile:
    """The same with an order counted as ``after`` where it counted as ``before``."""
    orders, refunds, spend = facts.orders, facts.refunds, dict(facts.spend_minor)
    for sign, order in ((-1, before), (1, after)):
        if order:
            orders += 0 if order.is_cancelled else sign
            refunds += sign * order.refunds
            spend[order.currency] = spend.get(order.currency, 0) + sign * order.net_minor
    kept = {currency: minor for currency, minor in spend.items() if minor}
    return msgspec.structs.replace(facts, orders=orders, refunds=refunds, spend_minor=kept)


def merge(a: Profile, b: Profile) -> Profile:
    """The facts of two leaves as if they were one."""
    return Profile(
        _sums(a.families, b.families),
        _sums(a.channels, b.channels),
        _later(a.traits, b.traits),
        min(filter(None, (a.first_at, b.first_at)), default=None),
        max(filter(None, (a.last_at, b.last_at)), default=None),
        a.orders + b.orders,
        a.refunds + b.refunds,
        {
            currency: minor
            for currency, minor in _sums(a.spend_minor, b.spend_minor).items()
            if minor
        },
    )


def settle(facts: Profile, identifiers: Sequence[Identifier]) -> Mapping[str, object]:
    """The customer's row."""
    traits = {
        name: register for name, register in facts.traits.items() if register.value is not None
    }
    return {
        "name": _name({name: register.value for name, register in traits.items()}),
        "traits": {
            name: [register.value, register.occurred_at, register.source, register.id]
            for name, register in traits.items()
        },
        "families": facts.families,
        "channels": facts.channels,
        "first_at": facts.first_at,
        "last_at": facts.last_at,
        "orders": facts.orders,
        "refunds": facts.refunds,
        "spend_minor": facts.spend_minor,
        "completeness": _completeness(traits, [one.kind for one in identifiers]),
    }


def _described(traits: dict[str, Register], event: Event) -> dict[str, Register]:
    return _later(
        traits, {name: Register(*event.rank, value) for name, value in event.traits.items()}
    )


def _later(a: dict[str, Register], b: dict[str, Register]) -> dict[str, Register]:
    later = dict(a)
    for name, register in b.items():
        known = later.get(name)
        if known is None or known.key < register.key:
            later[name] = register
    return later


def _sums(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in a.keys() | b.keys()}


def _name(traits: Mapping[str, Trait]) -> str | None:
    parts = [str(traits[part]) for part in ("first_name", "last_name") if traits.get(part)]
    return str(traits["name"]) if traits.get("name") else " ".join(parts) or None


def _completeness(traits: Mapping[str, Register], kinds: Iterable[str]) -> int:
    """Per cent of what a complete profile has, whole."""
    told = sum(not traits.keys().isdisjoint(group) for group in COMPLETE) if traits else 0
    known = len(COMPLETE_KINDS.intersection(kinds))
    return 100 * (told + known) // (len(COMPLETE) + len(COMPLETE_KINDS))


PROFILE: Final = Projection(
    name="profile",
    version=1,
    initial=Profile(),
    evolve=evolve,
    reorder=reorder,
    merge=merge,
    view=View(
        table="customer",
        columns=(
            "name", "traits", "families", "channels", "first_at", "last_at", "orders", "refunds",
            "spend_minor", "completeness",
        ),
        settle=settle,
    ),
)  # fmt: skip
