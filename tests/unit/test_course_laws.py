"""The law of courses: under any rules, one set of events gives the same rows in any order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.fold.apply import Folds
from services.fold.rebuild import replay
from services.log.memory import MemoryLog
from services.projector.projections import READ_MODELS
from services.store.memory import MemoryStore
from tests.happenings import BATCHES, SHUFFLES
from tests.histories import Step, entry, fold, rows
from tests.ruled import LIVES, RULED_APART, Ruled
from tests.unit.test_laws import shuffled

PARTITIONS = st.integers(2, 6)


@given(LIVES, SHUFFLES, BATCHES, PARTITIONS)
def test_any_order_batches_partitions_and_repetition_give_the_same_rows(
    steps: list[Step], random: Random, batches: list[int], partitions: int
) -> None:
    life = Ruled(steps=steps)

    straight = fold(life.events, life.vault)
    other = fold(shuffled(life.events, random), life.vault, batches=batches, partitions=partitions)

    assert rows(straight) == rows(other)


@given(LIVES, SHUFFLES, BATCHES)
def test_a_replay_gives_the_same_rows_and_tells_nothing(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    life, log, store = Ruled(steps=steps), MemoryLog(5), MemoryStore()
    log.append([entry(event, 5) for event in shuffled(life.events, random)])

    folds = Folds(READ_MODELS, life.vault, is_replay=True)
    replay(folds, log, store, log.ends(), progress=lambda done, total: None)

    assert rows(store) == rows(fold(life.events, life.vault, batches=batches))
    assert store.tables.outbox == []


@given(RULED_APART, st.integers(1, 3), SHUFFLES, BATCHES)
def test_merged_then_split_is_never_merged(
    steps: list[Step], times: int, random: Random, batches: list[int]
) -> None:
    # Far apart in time: what was named with whom must not join the sides anew.
    life = Ruled(steps=[step for step in steps if len(step.named) < 2])
    for name in ("user:1", "user:2"):
        life.called(name, at=50)
    before = fold(life.events, life.vault)
    for time in range(100, 100 + times):
        life.merged("user:1", "user:2", at=time)
        life.split(["user:1"], ["user:2"], at=time + 0.5)

    after = fold(shuffled(life.events, random), life.vault, batches=batches)

    regrouped = {"edge", "edge_again", "split"}
    found, expected = rows(after), rows(before)
    assert {name: found[name] for name in found.keys() - regrouped} == {
        name: expected[name] for name in expected.keys() - regrouped
    }


@given(LIVES, SHUFFLES, BATCHES)
def test_a_balance_is_the_sum_of_its_lots_less_debt(
    steps: list[Step], random: Random, batches: list[int]
) -> None:
    life = Ruled(steps=[Step("programme", (0,), (), {"at": 0, "effective": None}), *steps])

    store = fold(shuffled(life.events, random), life.vault, batches=batches)

    for row in store.tables.views.get("loyalty", {}).values():
        balance, pending, available, debt = row[5:9]
        assert available == max(0, balance - pending)  # type: ignore[operator]
        assert debt >= 0  # type: ignore[operator]
        assert pending >= 0  # type: ignore[operator]
