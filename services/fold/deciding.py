"""Deciding: what rows say that the log was not told yet.

Level-triggered: a row is compared with what was told last of its customer. What is told and that it
was told commit together with the row, so a crash tells nothing twice.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas import LifecycleChanged, PointsExpiring, TierChanged
from services.fold.course import News, Settled
from services.fold.decisions import decision
from services.fold.projection import Event
from services.store.course import Decided
from services.store.port import Transaction

RESTATED_AFTER: Final = timedelta(days=1)
"""What was told that long after it happened is history: its decisions are recorded, not sent."""


class Cause(NamedTuple):
    """What let a row change: an event, or the clock."""

    key: str
    at: datetime
    """When it was: what was decided is told beside it."""
    id: str | None = None
    """The event's; None where time alone did it."""
    is_old: bool = False

    @classmethod
    def of(cls, event: Event) -> "Cause":
        """An event as a cause."""
        recorded = event.recorded
        is_old = recorded.received_at - recorded.occurred_at > RESTATED_AFTER
        key = f"{recorded.source}\0{recorded.id}"
        return cls(key, recorded.occurred_at, recorded.id, is_old)

    @classmethod
    def of_tick(cls, at: datetime) -> "Cause":
        """A minute as a cause."""
        return cls(f"tick\0{at.isoformat()}", at)


@dataclass(slots=True)
class Told:
    """What to write."""

    outbox: list[tuple[str, bytes]] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)


def decide(
    settled: Mapping[str, Mapping[str, Settled]], cause_of: Callable[[str], Cause], tx: Transaction
) -> Told:
    """Tell what the rows of ``settled`` (course → customer → row) say for the first time.

    ``cause_of`` is asked for the customers of whom there is something to tell.
    """
    news = [
        (customer, one)
        for rows in settled.values()
        for customer, one in rows.items()
        if _may_be_news(one)
    ]
    told = Told()
    if not news:
        return told
    last = {
        (one.customer_id, one.kind): one.value
        for one in tx.courses.decided({customer for customer, _ in news})
    }
    for customer, one in news:
        cause, expected = cause_of(customer), one.says.expected(one.shown)
        for kind, value in sorted(one.said.items()):
            before = last.get((customer, kind), expected.get(kind))
            if before != value:
                _tell(one, News(kind, before, cause.is_old), cause, told)
    return told


def reread(decisions: Sequence[Event]) -> list[Decided]:
    """What the log says was decided, for a replay that decides nothing itself."""
    found: dict[tuple[str, str], Decided] = {}
    for event in decisions:
        workspace, id_, data = event.recorded.workspace, event.recorded.id, event.data
        told: tuple[str, str | None]
        match data:
            case LifecycleChanged():
                told = f"lifecycle:{data.machine}", data.stage
            case TierChanged():
                told = "tier", data.tier
            case PointsExpiring():
                told = "expiring", data.expires_at.isoformat()
            case _:
                continue
        found[data.customer_id, told[0]] = Decided(workspace, data.customer_id, *told, id_)
    return list(found.values())


def _may_be_news(one: Settled) -> bool:
    return one.said != one.says.expected(one.shown) if one.is_new else not one.is_same


def _tell(one: Settled, news: News, cause: Cause, told: Told) -> None:
    workspace, customer, value = str(one.row[0]), one.shown.customer, one.said[news.kind]
    key = f"{news.kind}\0{workspace}\0{customer}\0{value}\0{cause.key}"
    id_ = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    told.decided.append(Decided(workspace, customer, news.kind, value, id_))
    if data := one.says.tell(one.shown, news):
        event = decision(
            data, id_=id_, occurred_at=cause.at, identifiers=[customer], cause=cause.id
        )
        told.outbox.append((workspace, event))
