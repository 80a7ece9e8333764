"""The law of folds: one set of events gives the same bytes in any order, batches, partitions."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import TYPES, appendable_by
from schemas.catalogue import examples_of
from schemas.codec import decode, encode
from schemas.envelope import Recorded
from services.fold.apply import Folds
from services.fold.rebuild import replay
from services.ingest.accept import Accepted, Producer, accept, accept_control
from services.log.memory import MemoryLog
from services.projector.projections import READ_MODELS
from services.projector.projections.profile import PROFILE
from services.store.memory import MemoryStore
from tests.happenings import APART, BATCHES, NAMES, SHUFFLES, STEPS, TRADES
from tests.histories import START, WORKSPACE, History, Step, entry, fold, rows

PARTITIONS = st.integers(2, 6)
COLUMNS = PROFILE.view.columns if PROFILE.view else ()
SAME_PERSON = [
    *(("user:1",), ("user:1", "email:a@x.org"), ("email:a@x.org", "user:1", "anonymous:laptop")),
    *(("user:2",), ("user:2", "phone:+442079460018"), ("user:3",), ("loyalty_card:77", "user:3")),
]
"""What one person is told under who has three logins."""
EXAMPLES = [
    pytest.param(example, id=f"{key}-{number}")
    for key in TYPES
    for number, example in enumerate(examples_of(key))
]


def shuffled(events: Iterable[Recorded[Any]], random: Random) -> list[Recorded[Any]]:
    """The events in another order, some of them told again."""
    told = list(events)
    told += [event for event in told if random.random() < 0.3]
    random.shuffle(told)
    return told


def is_touch(event: Recorded[Any]) -> bool:
    """Whether a customer had a part in it: what the platform decides is no touch."""
    return appendable_by(event.type) != "control"


def customers(history: History, store: MemoryStore) -> dict[str, dict[str, object]]:
    """Every customer's row, under each name that it goes by."""
    columns = ("workspace", *COLUMNS)
    identifiers, views = store.tables.identifiers, store.tables.views["customer"]
    found = {name: identifiers.get(history.hash(name)) for name in NAMES}
    return {
        name: dict(zip(columns, views[row.customer_id], strict=True))
        for name, row in found.items()
        if row and row.customer_id in views
    }


@given(STEPS, SHUFFLES, BATCHES, PARTITIONS)
def test_any_order_batches_partitions_and_repetition_give_the_same_bytes(
    steps: list[Step], random: Random, batches: list[int], partitions: int
) -> None:
    history = History(steps=steps)

    straight = fold(history.events, history.vault)
    other = fold(
        shuffled(history.events, random), history.vault, batches=batches, partitions=partitions
    )

    assert rows(straight) == rows(other)


@given(STEPS, SHUFFLES, BATCHES)
def test_a_repeated_event_changes_nothing_but_its_count(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)
    repeated = shuffled(history.events, random)

    once = fold(history.events, history.vault)
    again = fold(repeated, history.vault, batches=batches)

    assert rows(once) == rows(again)
    counted = [sum(column) for column in zip(*again.tables.tallies.values(), strict=True)]
    assert counted in ([len(history.events), len(repeated) - len(history.events), 0], [])


@given(STEPS, SHUFFLES, BATCHES)
def test_a_replay_that_reads_control_first_gives_the_same_bytes(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history, log, store = History(steps=steps), MemoryLog(5), MemoryStore()
    log.append([entry(event, 5) for event in shuffled(history.events, random)])

    folds = Folds(READ_MODELS, history.vault, is_replay=True)
    replay(folds, log, store, log.ends(), progress=lambda done, total: None)

    assert rows(store) == rows(fold(history.events, history.vault, batches=batches))


@given(
    APART,
    st.lists(st.sampled_from([("user:1", "user:2"), ("user:3", "user:2"), ("user:1", "user:3")])),
    SHUFFLES,
    BATCHES,
)
def test_customers_merged_at_any_time_are_what_they_had_been_under_one_identifier(
    steps: list[Step], further: list[tuple[str, str]], random: Random, batches: list[int]
) -> None:
    as_one = History(steps=[step._replace(named=("user:1",)) for step in steps])
    apart = History(steps=[step._replace(named=random.choice(SAME_PERSON)) for step in steps])
    for into, merged in [("user:1", "user:2"), ("user:2", "user:3"), *further]:
        apart.merged(into, merged, at=random.randrange(50))

    united = fold(shuffled(apart.events, random), apart.vault, batches=batches)

    expected = customers(as_one, fold(as_one.events, as_one.vault)).get("user:1", {})
    found = customers(apart, united).get("user:1", {})
    assert _but_for_kinds(found) == _but_for_kinds(expected)
    assert len(united.tables.views["customer"]) == len(expected and {"user:1"})


def _but_for_kinds(row: Mapping[str, object]) -> dict[str, object]:
    """A profile is the more complete the more kinds of identifiers it has."""
    return {column: value for column, value in row.items() if column != "completeness"}


@given(APART, st.integers(1, 3), SHUFFLES, BATCHES)
def test_merged_then_split_is_never_merged_however_often(
    steps: list[Step], times: int, random: Random, batches: list[int]
) -> None:
    history = History(steps=[*steps, Step("called", ("user:1",)), Step("called", ("user:2",))])
    before = fold(history.events, history.vault)
    one, other = (_side(history, before, name) for name in ("user:1", "user:2"))
    for time in range(100, 100 + times):
        history.merged(random.choice(one), random.choice(other), at=time)
        history.split(one, other, at=time + 0.5)

    after = fold(shuffled(history.events, random), history.vault, batches=batches)

    regrouped = {"edge", "edge_again", "split"}
    assert _without(rows(after), regrouped) == _without(rows(before), regrouped)


def _side(history: History, store: MemoryStore, name: str) -> list[str]:
    """The names of the customer who goes by ``name``."""
    identifiers = store.tables.identifiers
    known = {one: row for one in NAMES if (row := identifiers.get(history.hash(one)))}
    return [one for one, row in known.items() if row.customer_id == known[name].customer_id]


def _without(found: dict[str, list[bytes]], tables: Collection[str]) -> dict[str, list[bytes]]:
    return {name: table for name, table in found.items() if name not in tables}


def trade(
    events: Iterable[Recorded[Any]], store: MemoryStore
) -> dict[str, tuple[int, int, dict[str, int]]]:
    """Each customer's orders, refunds and spend, from the set of events: slow and plain."""
    told = {
        (event.source, event.id): event
        for event in events
        if event.type.startswith("purchase.") and event.key_kind != "browser"
    }
    by_order: dict[str, list[Recorded[Any]]] = defaultdict(list)
    for event in sorted(told.values(), key=lambda event: event.rank):
        by_order[event.data.order_id].append(event)
    orders: Counter[str] = Counter()
    refunds: Counter[str] = Counter()
    spend: dict[str, Counter[str]] = defaultdict(Counter)
    for reports in by_order.values():
        bought = [event for event in reports if event.type == "purchase.completed"]
        if not bought:
            continue
        owner = bought[0]
        customer = store.tables.identifiers[owner.leaf].customer_id
        currency, amount = owner.data.currency, owner.data.amount_minor
        given_back = [
            event.data.amount_minor
            for event in reports
            if event.type == "purchase.refunded" and event.data.currency == currency
        ]
        refunds[customer] += len(given_back)
        if not any(event.type == "purchase.cancelled" for event in reports):
            orders[customer] += 1
            spend[customer][currency] += amount - min(amount, sum(given_back))
    return {
        customer: (
            orders[customer],
            refunds[customer],
            {currency: minor for currency, minor in spend[customer].items() if minor},
        )
        for customer in store.tables.views["customer"]
    }


@given(TRADES | STEPS, SHUFFLES, BATCHES)
def test_orders_refunds_and_spend_are_what_the_set_of_events_says(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)

    store = fold(shuffled(history.events, random), history.vault, batches=batches)

    at = [1 + COLUMNS.index(name) for name in ("orders", "refunds", "spend_minor")]
    views = store.tables.views["customer"]
    found = {customer: tuple(row[column] for column in at) for customer, row in views.items()}
    assert found == trade(history.events, store)


@given(TRADES, SHUFFLES, BATCHES)
def test_an_order_counts_once_and_gives_back_no_more_than_it_brought(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)
    trusted = [event for event in history.events if event.key_kind != "browser"]
    bought = [event for event in trusted if event.type == "purchase.completed"]
    cancelled = {event.data.order_id for event in trusted if event.type == "purchase.cancelled"}  # type: ignore[union-attr]

    store = fold(shuffled(history.events, random), history.vault, batches=batches)

    facts = [
        dict(zip(COLUMNS, row[1:], strict=True)) for row in store.tables.views["customer"].values()
    ]
    ids = {event.data.order_id for event in bought}  # type: ignore[union-attr]
    assert sum(row["orders"] for row in facts) == len(ids - cancelled)  # type: ignore[misc]
    assert all(minor > 0 for row in facts for minor in row["spend_minor"].values())  # type: ignore[attr-defined]


@given(STEPS, SHUFFLES, BATCHES)
def test_touches_are_what_the_set_of_events_says(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    history = History(steps=steps)
    named = [event for event in history.events if event.identifiers and is_touch(event)]

    store = fold(shuffled(history.events, random), history.vault, batches=batches)

    for customer, row in store.tables.views["customer"].items():
        identifiers = store.tables.identifiers
        own = [event for event in named if identifiers[event.leaf].customer_id == customer]
        found = dict(zip(COLUMNS, row[1:], strict=True))
        assert found["families"] == Counter(event.type.partition(".")[0] for event in own)
        assert found["first_at"] == min(event.occurred_at for event in own)
        assert found["last_at"] == max(event.occurred_at for event in own)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_goes_through_ingest_codec_and_every_fold(example: dict[str, Any]) -> None:
    history = History()
    if appendable_by(example["type"]) == "control":
        hashes = [history.hash(one) for one in example.get("identifiers", ())]
        raw = json.dumps(example | {"identifiers": hashes}).encode()
        (taken,) = accept_control([(WORKSPACE, raw)], START, history.vault)
    else:
        late = example | {"occurred_at": START.isoformat()}
        producer = Producer(WORKSPACE, "write", "k_1", "GB")
        (taken,) = accept([json.dumps(late).encode()], producer, START, history.vault)
    assert isinstance(taken, Accepted), taken

    event = decode(taken.payload)
    store = fold([event], history.vault)

    assert encode(event) == taken.payload
    assert [tuple(tally) for tally in store.tables.tallies.values()] == [(1, 0, 0)]
    assert len(store.tables.views["customer"]) == (is_touch(event) and bool(event.identifiers))


def test_an_older_version_counts_as_the_newest() -> None:
    history = History()
    history.called("user:1")
    older = json.loads(encode(history.events[0]))
    older |= {"type": "feedback.given", "version": 1, "data": {"stars": 4}}

    event = decode(json.dumps(older).encode())
    store = fold([event], history.vault)

    assert event.data == TYPES["feedback.given"](survey="csat", score=4, scale_min=1, scale_max=5)
    assert customers(history, store)["user:1"]["families"] == {"feedback": 1}
