"""RFM: fifths, ties, segments and tiers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Refused
from services.scoring.model import rfm
from services.scoring.model.rfm import SEGMENTS, Bought, bought, cuts, score, tier_of

ROWS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 60), st.integers(-5_000, 9_000)),
    min_size=1,
    max_size=60,
)


def values(recency: list[int], frequency: list[int], monetary: list[int]) -> Bought:
    return Bought(*(np.array(one, dtype=np.int64) for one in (recency, frequency, monetary)))


def test_five_customers_stand_in_five_fifths() -> None:
    five = values([9, 7, 5, 3, 1], [1, 2, 3, 4, 5], [10, 20, 30, 40, 50])

    found = score(five, cuts(five))

    assert found.recency.tolist() == found.frequency.tolist() == [1, 2, 3, 4, 5]
    assert found.segments()[0] == "lost"
    assert found.segments()[4] == "champions"
    assert found.tiers() == ["ordinary", "ordinary", "ordinary", "high value", "high value"]


def test_equal_values_get_the_fifth_that_the_middle_of_them_stands_in() -> None:
    many = values([5] * 10, [1] * 7 + [2, 2, 9], [4] * 10)

    found = score(many, cuts(many))

    assert found.frequency.tolist() == [2] * 7 + [5, 5, 5]
    assert found.recency.tolist() == found.monetary.tolist() == [3] * 10


def test_one_customer_is_in_the_middle() -> None:
    one = values([400], [1], [-20])

    found = score(one, cuts(one))

    assert found.segments() == ["needs attention"]
    assert found.tiers() == ["ordinary"]


def test_nobody_has_no_fifths() -> None:
    buyers, nobody = bought([3], [-5], customers=[1], at=9)

    assert len(buyers) == 0
    with pytest.raises(Refused, match="population"):
        cuts(nobody)


def test_days_are_counted_once_and_refunds_lessen_what_was_spent() -> None:
    buyers, found = bought(
        [1, 1, 4, 6, 2], [500, 300, 200, -900, -70], customers=[8, 8, 8, 8, 9], at=10
    )

    assert buyers.tolist() == [8]
    assert [*found.recency_days, *found.frequency, *found.monetary_minor] == [6, 2, 100]


def test_more_refunded_than_bought_is_the_lowest_fifth() -> None:
    some = values([1] * 5, [1] * 5, [-700, 10, 20, 30, 40])

    assert score(some, cuts(some)).monetary.tolist() == [1, 2, 3, 4, 5]


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    rows: list[tuple[int, int, int]], random: np.random.Generator
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)

    first, second = (
        bought(days, amounts, customers=who, at=40)
        for who, days, amounts in (zip(*one, strict=True) for one in (rows, shuffled))
    )

    assert first[0].tolist() == second[0].tolist()
    for name in ("recency_days", "frequency", "monetary_minor"):
        assert getattr(first[1], name).tolist() == getattr(second[1], name).tolist()


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=200))
def test_who_has_more_is_never_in_a_lower_fifth(amounts: list[int]) -> None:
    some = values([0] * len(amounts), [1] * len(amounts), amounts)

    found = score(some, cuts(some)).monetary

    order = np.argsort(amounts, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert set(found.tolist()) <= {1, 2, 3, 4, 5}


def test_without_ties_fifths_are_of_equal_size() -> None:
    some = values([0] * 1000, [1] * 1000, list(range(1000)))

    assert set(Counter(score(some, cuts(some)).monetary.tolist()).values()) == {200}


def test_every_segment_has_a_tier_and_every_tier_a_segment() -> None:
    named = {segment for row in SEGMENTS for segment in row}

    assert named >= rfm.HIGH_VALUE | rfm.POTENTIAL
    assert {tier_of(one) for one in named} == {"high value", "potential", "ordinary"}
