"""Decided: what the projector decided of customers' stages and tiers, kept for rules that ask.

Kept of everybody, since a rule of tomorrow, and its backtest before that, ask for the decisions of
today; but on a page of its own that nobody reads for whom no rule asks, and without looking at the
customer. Of the machines the one is kept that rules may ask for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from schemas import TYPES, LifecycleChanged, TierChanged
from schemas.codec import decode
from schemas.rules import lifecycle, loyalty
from schemas.rules.alerts_tree import MACHINE
from services.fold.rules import whole_days
from services.scoring.kept import decoded, encoded
from services.scoring.model.history import Entry
from services.scoring.reading import Envelope
from services.scoring.rules.stages import STAGE, TIER, Eras, Newcomers, placed
from services.scoring.rules.standing import FOREVER
from services.store.course import RuleRow
from services.store.scores import DECIDED, Page

DECISIONS: Final[Mapping[str, str]] = {LifecycleChanged.type: STAGE, TierChanged.type: TIER}
"""The types of events that put a customer somewhere, and those of their entries."""
_MICROSECOND: Final = timedelta(microseconds=1)


class _Put(msgspec.Struct, gc=False):
    """A decision, as far as rules ask."""

    machine: str = MACHINE
    stage: str | None = None
    tier: str | None = None


def decided_in(envelope: Envelope, payload: bytes) -> tuple[str, Entry] | None:
    """The customer's id and what is kept of a decision of ``DECISIONS``, if anything."""
    if not envelope.identifiers:
        return None
    if envelope.version == TYPES[envelope.type].version:
        put = _PUT.decode(envelope.data)
    else:
        put = msgspec.convert(decode(payload).data, _Put, from_attributes=True)
    if put.machine != MACHINE:
        return None
    # Exact: a float holds every microsecond until the year 2255.
    taken_us = (envelope.received_at - _EPOCH) // _MICROSECOND
    caused_s = int(envelope.occurred_at.timestamp())
    entry = placed(DECISIONS[envelope.type], caused_s, taken_us, put.stage or put.tier or "")
    return envelope.identifiers[0], entry


def take_in(page: Page, new: Iterable[Entry]) -> Page:
    """``page`` with more; equal decisions are equal bytes, in whatever order they came."""
    return page._replace(entries=encoded(sorted({*read(page), *new})))


def empty(customer: str, workspace: str) -> Page:
    """Where nothing was decided yet."""
    return Page(customer, DECIDED, workspace, encoded(()))


def read(page: Page) -> list[Entry]:
    """What was decided, by when it counts."""
    return decoded(page.entries)


def eras_of(rules: Iterable[RuleRow]) -> Eras:
    """Where newcomers are by a workspace's policies: the decisions leave it unsaid.

    The machine's last stage, which takes everybody, and the tier that asks for no points.
    """
    own = [one for one in rules if one.kind == "loyalty" or (one.kind, one.name) == _MACHINE]
    by_kind = {
        kind: {_from_s(one): one for one in sorted(own, key=_version) if one.kind == kind}
        for kind in ("lifecycle", "loyalty")
    }
    starts = {start for versions in by_kind.values() for start in versions}
    return Eras(
        [(at, Newcomers(*(_first(by_kind[kind], at) for kind in by_kind))) for at in starts]
    )


def _first(versions: Mapping[int, RuleRow], at_s: int) -> str | None:
    begun = [start for start in versions if start <= at_s]
    if not begun:
        return None
    policy = _POLICIES[versions[max(begun)].kind](msgspec.json.decode(versions[max(begun)].body))
    if isinstance(policy, lifecycle.Lifecycle):
        return policy.stages[-1].name
    levels: Sequence[Any] = policy.tiers.levels if getattr(policy, "tiers", None) else ()
    return levels[0].name if levels and levels[0].threshold <= 0 else None


def _from_s(rule: RuleRow) -> int:
    at = rule.effective_at
    if at is None:
        return -FOREVER
    # Days are lived under one machine.
    return int((whole_days(at) if rule.kind == "lifecycle" else at).timestamp())


def _version(rule: RuleRow) -> int:
    return rule.version


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MACHINE: Final = ("lifecycle", MACHINE)
_POLICIES: Final[Mapping[str, Any]] = {"lifecycle": lifecycle.parse, "loyalty": loyalty.parse}
_PUT: Final = msgspec.json.Decoder(_Put)
