"""Builders of members' ledgers: events of one member, and what their entries come to."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas import (
    Data,
    EventVoided,
    FeedbackGiven,
    PointsAdjusted,
    PointsRedeemed,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    RewardGranted,
)
from schemas.envelope import Recorded
from schemas.purchase import Line
from schemas.rules.loyalty import Loyalty, parse
from services.fold.orders import Order, tell
from services.fold.projection import Event
from services.projector.projections.loyalty import (
    Book,
    Entry,
    State,
    begin,
    entries_of,
    entry_of,
    post,
    settle,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
LEAF = "0" * 32
_ENCODER = msgspec.msgpack.Encoder(order="sorted")
_DECODER = msgspec.msgpack.Decoder(State)

Told = Recorded[Any]


def told(data: Data, at: datetime, id_: str, *, source: str = "s", key_kind: str = "write") -> Told:
    """An event of the member's."""
    return Recorded(
        workspace="shop",
        id=id_,
        source=source,
        type=data.type,
        version=data.version,
        occurred_at=at,
        received_at=at,
        identifiers=(LEAF,),
        digest=LEAF,
        key_kind=key_kind,
        data=data,
    )


def days(count: float) -> datetime:
    """So many days after the start."""
    return START + timedelta(days=count)


def bought(order: str, amount_minor: int, at: datetime, id_: str, **more: Any) -> Told:
    """A purchase; ``categories`` are lines of what each cost."""
    placed = {name: more.pop(name) for name in ("source", "key_kind") if name in more}
    lines = tuple(
        Line(sku=name, amount_minor=minor, category=name)
        for name, minor in more.pop("categories", {}).items()
    )
    more = {"currency": "EUR", "lines": lines, **more}
    data = PurchaseCompleted(order_id=order, amount_minor=amount_minor, **more)
    return told(data, at, id_, **placed)


def refunded(order: str, amount_minor: int, at: datetime, id_: str, **more: Any) -> Told:
    """A refund."""
    currency = more.pop("currency", "EUR")
    data = PurchaseRefunded(order_id=order, amount_minor=amount_minor, currency=currency)
    return told(data, at, id_, **more)


def cancelled(order: str, at: datetime, id_: str, **more: Any) -> Told:
    """A cancellation."""
    return told(PurchaseCancelled(order_id=order), at, id_, **more)


def redeemed(points: int, at: datetime, id_: str) -> Told:
    """Points spent."""
    return told(PointsRedeemed(redemption_id=id_, points=points), at, id_)


def adjusted(points: int, at: datetime, id_: str) -> Told:
    """Points added or taken by hand."""
    return told(PointsAdjusted(adjustment_id=id_, points=points, by="test"), at, id_)


def granted(points: int, at: datetime, id_: str, *, cost: int = 0, **more: Any) -> Told:
    """A reward."""
    return told(RewardGranted(reward_id=id_, points=points, cost_points=cost), at, id_, **more)


def answered(survey: Any, at: datetime, id_: str, **more: Any) -> Told:
    """Feedback."""
    return told(FeedbackGiven(survey=survey, score=5), at, id_, **more)


def voided(event: Told, at: datetime, id_: str) -> Told:
    """The taking back of ``event``."""
    data = EventVoided(
        event_source=event.source,
        event_id=event.id,
        event_type=event.type,  # type: ignore[arg-type]
        leaf=LEAF,
        order_id=getattr(event.data, "order_id", None),
        by="test",
    )
    return told(data, at, id_, source="touchline")


def ledger(events: Iterable[Told]) -> list[Entry]:
    """The entries of what was told, in order."""
    orders: dict[str, Order] = {}
    entries: dict[tuple[str, str], Entry] = {}
    gone = set()
    for event in events:
        order_id = getattr(event.data, "order_id", None)
        if order_id is not None and event.type != "feedback.given":
            orders[order_id] = tell(orders.get(order_id, Order()), event)
        elif isinstance(event.data, EventVoided):
            gone.add((event.data.event_source, event.data.event_id))
        elif entry := entry_of(Event.of(event)):
            entries[event.source, event.id] = entry
    standing = [entry for place, entry in entries.items() if place not in gone]
    of_orders = [entry for order in orders.values() for entry in entries_of(order)]
    return sorted([*standing, *of_orders], key=lambda entry: entry.key)


def folded(entries: Iterable[Entry], book: Book, *, until: datetime | None = None) -> State:
    """The state of entries, from the first, up to an instant."""
    state = begin()
    for entry in entries:
        if until is None or entry.key[0] <= until:
            state = post(state, entry, book)
    return state


def stored(state: State) -> State:
    """The state as it comes back from the store."""
    return _DECODER.decode(encoded(state))


def encoded(state: State) -> bytes:
    """Its bytes."""
    return _ENCODER.encode(state)


def row(events: Sequence[Told], book: Book, at: datetime) -> dict[str, Any]:
    """The member's columns at ``at``, of what had happened by then."""
    return settle(folded(ledger(events), book, until=at), at, book)


def policy(rules: dict[str, object]) -> Loyalty:
    """The policy that ``rules`` describe."""
    found = parse(rules)
    assert isinstance(found, Loyalty), found
    return found


def simple(**more: object) -> Loyalty:
    """A point for each euro."""
    euro = {"name": "euro", "currency": "EUR", "per_minor": 100}
    return policy({"earn": [euro], "notice_days": 0, **more})


def book_of(*policies: Loyalty, zone: str = "UTC") -> Book:
    """A book of policies, the later from ten days on each."""
    ruled = [
        (days(10 * number) if number else None, number + 1, one)
        for number, one in enumerate(policies)
    ]
    return Book(ruled, [(None, zone)])
