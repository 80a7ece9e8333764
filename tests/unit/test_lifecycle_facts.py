"""Facts of activity: what happened on which days, whatever the order in which it was told."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import NamedTuple, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import (
    AppointmentBooked,
    AppointmentHeld,
    CallEnded,
    CaseOpened,
    CaseReplied,
    Data,
    DealMoved,
    EmailClicked,
    EmailOpened,
    EmailSent,
    EmailUnsubscribed,
    FormSubmitted,
    MessageSent,
    NoteWritten,
    PurchaseCompleted,
    SubscriptionStarted,
    WebActed,
    WebVisited,
    appendable_by,
)
from services.fold.orders import Settled
from services.fold.projection import Event
from services.projector.projections.lifecycle import (
    INITIAL,
    Activity,
    Entry,
    entries_of,
    evolve,
    merge,
    reorder,
)
from services.projector.projections.lifecycle.days import day_of
from services.projector.projections.lifecycle.kinds import ACTIVITIES
from tests.happenings import SHUFFLES, examples
from tests.histories import START, History
from tests.lives import BITS

encode = msgspec.msgpack.Encoder(order="sorted").encode
decode = msgspec.msgpack.Decoder(Activity).decode
Order: TypeAlias = tuple[Settled | None, Settled | None]
FIRST = day_of(START)
OF_KIND: dict[int, Data] = {
    BITS["known"]: NoteWritten(),
    BITS["reached"]: EmailSent(),
    BITS["responded"]: WebVisited(),
    BITS["considered"]: FormSubmitted(form_id="contact"),
    BITS["decided"]: AppointmentBooked(appointment_id="a", starts_at=START),
    BITS["served"]: CaseOpened(case_id="c"),
}
DAYS = st.integers(0, 20) | st.sampled_from([254, 255, 256, 300, 509, 510, 511, 900, 2000])


def told(data: Data, *, day: int = 0, second: int = 0, key_kind: str = "write") -> Event:
    """An event as a fold sees it."""
    at = day * 86_400 + second
    return Event.of(History().tell(data, "user:ada", at=at, key_kind=key_kind))


def order(day: int, *, is_cancelled: bool = False) -> Settled:
    """An order of a day."""
    return Settled("leaf", START + timedelta(days=day), 10_00, 0, "EUR", 0, is_cancelled)


class Did(NamedTuple):
    """Something that happened."""

    day: int
    kind: int
    second: int = 0

    @property
    def event(self) -> Event:
        """It as an event."""
        return told(OF_KIND[self.kind], day=self.day, second=self.second)


DID = st.builds(Did, DAYS, st.sampled_from([*OF_KIND]), st.integers(0, 86_399))
FEW = st.integers(0, 2)
SETTLED = st.none() | st.builds(
    lambda day, off: order(day, is_cancelled=off), FEW | DAYS, st.sampled_from([False, False, True])
)
REORDERS = st.lists(SETTLED, min_size=1, max_size=4).map(lambda one: [*pairwise([None, *one])])
MUCH = st.lists(DID, max_size=12) | st.lists(DID, min_size=20, max_size=40)
BUSY = st.integers(3, 9).map(lambda orders: [[(None, order(0))]] * orders)
ORDERS = st.builds(
    lambda few, busy: [pair for one in (*few, *busy) for pair in one],
    st.lists(REORDERS, max_size=8),
    st.just([]) | BUSY,
)


def folded(steps: Sequence[Did | Order], facts: Activity = INITIAL) -> Activity:
    """The facts after these steps."""
    for step in steps:
        facts = evolve(facts, step.event) if isinstance(step, Did) else reorder(facts, *step)
    return facts


def counted(steps: Sequence[Did | Order]) -> list[Entry]:
    """What happened on each day: slow and plain."""
    masks: dict[int, int] = defaultdict(int)
    purchases: dict[int, int] = defaultdict(int)
    for step in steps:
        if isinstance(step, Did):
            masks[FIRST + step.day] |= step.kind
        else:
            for sign, one in zip((-1, 1), step, strict=True):
                if one and not one.is_cancelled:
                    purchases[day_of(one.occurred_at)] += sign
    days = {*masks, *purchases}
    entries = [Entry(day, masks[day], purchases[day]) for day in sorted(days)]
    return [one for one in entries if one.mask or one.purchases]


@given(MUCH, ORDERS)
def test_facts_are_what_happened_on_each_day(events: list[Did], orders: list[Order]) -> None:
    steps: list[Did | Order] = [*events, *orders]

    found = folded(steps)

    assert [*entries_of(found)] == counted(steps)
    assert found.last == max((one.day for one in counted(steps)), default=0)


@given(MUCH, ORDERS, SHUFFLES)
def test_any_order_and_repetition_of_events_give_the_same_bytes(
    events: list[Did], orders: list[Order], random: Random
) -> None:
    steps: list[Did | Order] = [*events, *orders]
    other = [*steps, *(event for event in events if random.random() < 0.3)]
    random.shuffle(other)

    assert encode(folded(other)) == encode(folded(steps))


@given(MUCH, ORDERS, SHUFFLES)
def test_leaves_merged_are_one_leaf_that_had_it_all(
    events: list[Did], orders: list[Order], random: Random
) -> None:
    steps: list[Did | Order] = [*events, *orders]
    leaves: list[list[Did | Order]] = [[], [], []]
    for step in steps:
        random.choice(leaves).append(step)

    a, b, c = map(folded, leaves)

    assert encode(merge(merge(a, b), c)) == encode(folded(steps))
    assert encode(merge(c, merge(b, a))) == encode(folded(steps))


@given(MUCH, ORDERS)
def test_facts_read_back_are_the_same_bytes(events: list[Did], orders: list[Order]) -> None:
    facts = folded([*events, *orders])

    assert decode(encode(facts)) == facts
    assert encode(decode(encode(facts))) == encode(facts)


@given(MUCH, ORDERS, DAYS)
def test_entries_since_a_day_are_the_last_of_all(
    events: list[Did], orders: list[Order], day: int
) -> None:
    facts = folded([*events, *orders])

    found = [*entries_of(facts, FIRST + day)]

    assert found == [one for one in entries_of(facts) if one.day >= FIRST + day]


@given(MUCH)
def test_what_is_known_already_makes_no_new_facts(events: list[Did]) -> None:
    facts = folded(events)

    assert all(evolve(facts, one.event) is facts for one in events)


def test_hundreds_of_days_take_a_few_hundred_bytes() -> None:
    events = [Did(2 * day, BITS["responded"]) for day in range(300)]

    assert len(encode(folded(events))) < 650


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (EmailSent(), "reached"),
        (EmailOpened(), "responded"),
        (EmailOpened(machine=True), "known"),
        (EmailClicked(machine=True), "known"),
        (EmailUnsubscribed(), "known"),
        (CallEnded(direction="inbound"), "considered"),
        (CallEnded(direction="outbound"), "reached"),
        (MessageSent(channel="sms", is_delivered=False), "known"),
        (WebActed(action="search"), "considered"),
        (WebActed(action="Checkout Started"), "decided"),
        (DealMoved(deal_id="d", stage="proposal", probability_percent=50), "decided"),
        (DealMoved(deal_id="d", stage="lead", probability_percent=49), "considered"),
        (DealMoved(deal_id="d", stage="lead"), "considered"),
        (AppointmentHeld(appointment_id="a", outcome="no_show"), "known"),
        (SubscriptionStarted(subscription_id="s", plan="pro"), "decided"),
        (SubscriptionStarted(subscription_id="s", plan="pro", trial_ends_at=START), "considered"),
        (CaseReplied(case_id="c", is_internal=True), "known"),
        (PurchaseCompleted(order_id="o", amount_minor=1, currency="EUR"), "known"),
    ],
)
def test_each_event_is_one_kind_of_activity(data: Data, kind: str) -> None:
    found = [*entries_of(evolve(INITIAL, told(data)))]

    assert found == [Entry(FIRST, BITS[kind], 0)]  # type: ignore[index]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(told(CaseOpened(case_id="c"), key_kind="platform"), id="of the platform"),
        pytest.param(told(CaseOpened(case_id="c"), key_kind="browser"), id="business of a browser"),
        *(
            pytest.param(told(one.data, key_kind="platform"), id=one.type)
            for one in examples()
            if appendable_by(one.type) == "control"
        ),
    ],
)
def test_what_nobody_did_is_no_activity(event: Event) -> None:
    assert evolve(INITIAL, event) is INITIAL


def test_a_visit_told_by_a_browser_counts() -> None:
    assert evolve(INITIAL, told(WebVisited(), key_kind="browser")) is not INITIAL


def test_the_table_names_types_that_there_are() -> None:
    control = {name for name in ACTIVITIES if appendable_by(name) == "control"}

    assert not control


@pytest.mark.parametrize(
    ("before", "after", "purchases"),
    [
        pytest.param(None, order(0), {0: 1}, id="bought"),
        pytest.param(None, order(0, is_cancelled=True), {}, id="bought and cancelled"),
        pytest.param(order(0), order(0, is_cancelled=True), {}, id="cancelled later"),
        pytest.param(order(0), None, {}, id="taken away: another leaf owns it"),
        pytest.param(order(0, is_cancelled=True), None, {}, id="cancelled, then taken away"),
        pytest.param(order(3), order(0), {0: 1}, id="an older report owns it now"),
    ],
)
def test_a_purchase_counts_on_its_orders_day_while_it_counts(
    before: Settled | None, after: Settled | None, purchases: dict[int, int]
) -> None:
    facts = reorder(reorder(INITIAL, None, before), before, after)

    assert {one.day - FIRST: one.purchases for one in entries_of(facts)} == purchases


def test_a_day_is_a_day_in_utc() -> None:
    late, early = Did(0, BITS["responded"], 86_399), Did(1, BITS["responded"], 0)

    found = [one.day for one in entries_of(folded([late, early]))]

    assert found == [FIRST, FIRST + 1]
    assert day_of(datetime.fromisoformat("1970-01-01T00:00:00+00:00")) == 1
