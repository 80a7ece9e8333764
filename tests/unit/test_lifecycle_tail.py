"""The tail of a life: which days are posted once one leaf of a customer tells something new."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from services.projector.projections.lifecycle import Activity, Entry, entries_of, merge
from services.projector.projections.lifecycle.activity import INITIAL
from services.projector.projections.lifecycle.model import tail
from tests.unit.test_lifecycle_facts import Did, Order, folded, order

STEPS = st.lists(
    st.builds(Did, st.integers(0, 40), st.sampled_from([2, 4, 8]), st.just(0))
    | st.builds(lambda day: (None, order(day)), st.integers(0, 40)),
    max_size=8,
)
LEAF = st.tuples(STEPS, STEPS)


def on_days(*days: int) -> list[Did | Order]:
    return [(None, order(day)) for day in days]


def told(facts: Activity) -> dict[int, Entry]:
    return {entry.day: entry for entry in entries_of(facts)}


def test_a_later_day_is_posted_alone_though_another_leaf_was_active_in_between() -> None:
    shop, phone = folded(on_days(1, 9)), folded(on_days(3))
    (*_, newest) = entries_of(folded(on_days(12)))

    found = tail([(phone, folded(on_days(12), phone))], [shop])

    assert found == [newest]


def test_a_day_before_a_leafs_last_one_makes_it_all_be_told_again() -> None:
    shop = folded(on_days(1, 9))

    assert tail([(shop, folded(on_days(4), shop))], []) is None


@given(st.lists(LEAF, min_size=1, max_size=3), st.lists(STEPS, max_size=2))
def test_the_tail_is_all_that_a_customer_did_since_the_first_day_that_changed(
    leaves: list[tuple[list[Did | Order], list[Did | Order]]], others: list[list[Did | Order]]
) -> None:
    grown = [(before := folded(old), folded(new, before)) for old, new in leaves]
    grown = [(before, after) for before, after in grown if before != after]
    further = [folded(steps) for steps in others]
    if not grown:
        return

    found = tail(grown, further)

    changed = [
        day
        for before, after in grown
        for day in told(before).keys() | told(after).keys()
        if told(before).get(day) != told(after).get(day)
    ]
    if found is None:
        assert any(min(changed) < before.last for before, _ in grown)
        return
    every = reduce(merge, [after for _, after in grown] + further, INITIAL)
    assert list(found) == [entry for entry in entries_of(every) if entry.day >= min(changed)]
