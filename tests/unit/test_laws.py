"""The law of folds: for one set of events any order, batches, partitions and repetition give the same rows."""

from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.store.memory import MemoryStore
from tests.histories import History, fold

PEOPLE = st.sampled_from(
    ["user:1", "user:2", "email:a@x.org", "email:b@x.org", "phone:+442079460018", "anonymous:t"]
)
NAMED = st.lists(PEOPLE, min_size=1, max_size=3, unique=True)
ORDERS = st.sampled_from(["o1", "o2", "o3"])
MINOR = st.integers(0, 5000)
AT = st.integers(0, 50)
CURRENCIES = st.sampled_from(["EUR", "USD"])
KEYS = st.sampled_from(["write", "write", "browser"])
Step = Callable[[History], None]


def step(draw: st.DrawFn) -> Step:
    """One thing that happens."""
    named, at, key = draw(NAMED), draw(AT), draw(KEYS)
    order, minor, currency = draw(ORDERS), draw(MINOR), draw(CURRENCIES)
    name = draw(st.sampled_from(["Ada", "Bo", None]))
    return draw(
        st.sampled_from(
            [
                lambda h: h.bought(order, minor, *named, at=at, currency=currency, key_kind=key),
                lambda h: h.refunded(order, minor, *named, at=at, currency=currency, key_kind=key),
                lambda h: h.cancelled(order, *named, at=at, key_kind=key),
                lambda h: h.called(*named, at=at),
                lambda h: h.described({"name": name, "city": "Ulm"}, *named, at=at),
                lambda h: h.merged("user:1", "user:2", at=at),
                lambda h: h.split(["user:1"], ["user:2", "anonymous:t"], at=at),
            ]
        )
    )


STEPS = st.lists(st.composite(step)(), max_size=20)
SHUFFLES = st.randoms(use_true_random=False)


def rows(store: MemoryStore) -> dict[str, object]:
    """All that the law is about: facts, orders, groups and views; and how much was applied."""
    tables = store.tables
    return {
        "profile": tables.facts["profile"],
        "customer": tables.views["customer"],
        "orders": tables.orders,
        "identifiers": tables.identifiers,
        "edges": tables.edges,
        "namings": sorted(tables.namings),
        "applied": sum(tally.applied for tally in tables.tallies.values()),
    }


def told(steps: list[Step]) -> History:
    """The history of ``steps``."""
    history = History()
    for happen in steps:
        happen(history)
    return history


@given(STEPS, SHUFFLES, st.lists(st.integers(1, 7), min_size=1, max_size=3), st.integers(2, 6))
def test_any_order_batches_and_partitions_give_the_same_rows(
    steps: list[Step], random: Random, batches: list[int], partitions: int
) -> None:
    history = told(steps)
    shuffled = random.sample(history.events, len(history.events))

    straight = fold(history.events, history.vault)
    other = fold(shuffled, history.vault, batches=batches, partitions=partitions)

    assert rows(straight) == rows(other)


@given(STEPS, SHUFFLES)
def test_a_repeated_event_changes_nothing_but_its_count(steps: list[Step], random: Random) -> None:
    history = told(steps)
    repeated = history.events + random.sample(history.events, len(history.events) // 2)

    once = fold(history.events, history.vault)
    again = fold(repeated, history.vault, batches=[3])

    assert rows(once) == rows(again)
    assert sum(tally.duplicate for tally in again.tables.tallies.values()) == len(repeated) - len(
        history.events
    )


@given(STEPS)
def test_merge_then_split_equals_never_merged(steps: list[Step]) -> None:
    apart = [happen for happen in steps if not _joins(happen)]
    history = told(apart)
    before = rows(fold(history.events, history.vault))
    ids = {
        one
        for row in fold(history.events, history.vault).tables.identifiers.values()
        for one in [row.identifier]
    }
    history.merged("user:1", "user:2", at=100)
    one = [name for name in NAMES if history.hash(name) in _group(history, "user:1", before)]
    other = [name for name in NAMES if history.hash(name) in _group(history, "user:2", before)]
    if {history.hash("user:1"), history.hash("user:2")} <= ids and not set(one) & set(other):
        history.split(one, other, at=101)

        after = rows(fold(history.events, history.vault, batches=[4]))

        assert after["customer"] == before["customer"]
        assert after["profile"] == before["profile"]


NAMES = ["user:1", "user:2", "email:a@x.org", "email:b@x.org", "phone:+442079460018", "anonymous:t"]


def _joins(happen: Step) -> bool:
    probe = History()
    happen(probe)
    return probe.events[0].type in {"customer.merged", "customer.split"}


def _group(history: History, name: str, found: dict[str, object]) -> set[str]:
    identifiers = found["identifiers"]
    assert isinstance(identifiers, dict)
    mine = identifiers.get(history.hash(name))
    return {
        row.identifier
        for row in identifiers.values()
        if mine and row.customer_id == mine.customer_id
    }
