"""Sharpening: what it promises of sums, order and time, and answers where nothing teaches."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from services.errors import Misconfigured, Refused
from services.scoring.model import pareto_nbd, rolling, sharpening
from services.scoring.model.fitting import Unfitted
from services.scoring.model.purchases import Floats
from services.scoring.model.rolling import Sold
from services.scoring.model.sharpening import Seen, Sharpened

UNTIL, WEEKS = 280, 40.0


@cache
def sold(customers: int = 2_000, seed: int = 2) -> Sold:
    """Who buy often buy much at once; each leaves some day, and many buy once."""
    random = np.random.default_rng(seed)
    rate, size = random.gamma(0.55, 1 / 75, customers), random.integers(1, 4, customers)
    leaves = random.exponential(1, customers) / random.gamma(0.6, 1 / 80, customers)
    who, days = [np.arange(customers)], [random.integers(1, 85, customers)]
    for _ in range(40):
        later = days[-1] + np.ceil(random.exponential(1 / np.maximum(rate[who[-1]], 1e-9)))
        stays = (later <= UNTIL) & (later - days[0][who[-1]] <= leaves[who[-1]])
        who.append(who[-1][stays])
        days.append(later[stays].astype(np.int64))
    customer, day = np.concatenate(who), np.concatenate(days)
    units = (size[customer] * (1 + (rate[customer] > 0.01))).astype(np.float64)
    return Sold(customer, day, units * 12.5, units)


@cache
def trained() -> Sharpened:
    found = fitted(sold())
    assert isinstance(found, Sharpened)
    return found


def fitted(rows: Sold) -> Sharpened | Unfitted:
    _, now = rolling.seen(rows, until=UNTIL)
    return sharpening.fit(now, rolling.earlier(rows, until=UNTIL), weeks=WEEKS)


def known() -> Seen:
    return rolling.seen(sold(), until=UNTIL)[1]


def some(rows: list[tuple[int, int]]) -> Sold:
    who, days = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return Sold(who, days, np.full(len(who), 9.0), np.ones(len(who)))


def test_all_together_are_expected_to_buy_what_pareto_nbd_expects() -> None:
    plain = pareto_nbd.expected(trained().rate, known().purchases, WEEKS)

    found = sharpening.expected(trained(), known(), WEEKS)

    assert found.sum() == pytest.approx(plain.sum())
    assert np.abs(found - plain).max() > 0.01


def test_a_longer_time_never_holds_fewer_purchases() -> None:
    shorter, longer = (sharpening.expected(trained(), known(), weeks) for weeks in (13, 52))

    assert (shorter <= longer).all()
    assert (sharpening.expected(trained(), known(), 0) == 0).all()


def test_one_customer_is_expected_to_buy_the_same_whoever_is_asked_beside() -> None:
    purchases, facts = known().purchases, known().known
    alone = Seen(
        replace(
            purchases,
            frequency=purchases.frequency[:1],
            recency=purchases.recency[:1],
            age=purchases.age[:1],
        ),
        facts[:1],
    )

    found = sharpening.expected(trained(), alone, WEEKS)

    assert found == pytest.approx(sharpening.expected(trained(), known(), WEEKS)[:1])


def test_the_same_rows_in_another_order_give_the_same_model() -> None:
    rows = sold()
    order = np.random.default_rng(1).permutation(len(rows.days))

    found = fitted(
        Sold(rows.customers[order], rows.days[order], rows.amounts[order], rows.units[order])
    )

    assert found == trained()


def test_a_stored_model_is_the_same_when_it_is_read_back() -> None:
    text = json.dumps(trained().stored())

    assert Sharpened.restored(json.loads(text)) == trained()


def test_a_damaged_model_is_refused() -> None:
    stored = trained().stored() | {"weights": [0.1]}

    with pytest.raises(Misconfigured, match="train the model again"):
        Sharpened.restored(stored)


def test_facts_that_it_was_not_trained_with_are_refused() -> None:
    none = Seen(known().purchases, known().known[:, :0])

    with pytest.raises(Refused, match="the 1 that the model was trained with"):
        sharpening.expected(trained(), none, WEEKS)


@pytest.mark.parametrize("facts", [np.zeros((3, 1)), np.full((2_000, 1), np.nan), np.zeros(2_000)])
def test_facts_of_others_and_facts_that_are_no_numbers_are_refused(facts: Floats) -> None:
    with pytest.raises(Refused, match="give a row a customer"):
        Seen(known().purchases, facts)


ODD = {
    "nobody": [],
    "one who bought once": [(1, 5)],
    "one who came again": [(1, 5), (1, 100), (1, 200)],
    "all on one day": [(one, 7) for one in range(300)],
    "nobody twice": [(one, 1 + one % 90) for one in range(300)],
    "all alike": [(one, day) for one in range(300) for day in (10, 50, 90)],
    "all on the last day": [(one, UNTIL) for one in range(300)],
}


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD.keys())
def test_customers_who_teach_nothing_give_the_reason_why(rows: list[tuple[int, int]]) -> None:
    found = fitted(some(rows))

    assert isinstance(found, Unfitted)
    assert found.reason


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD.keys())
def test_whoever_is_asked_about_has_an_expectation(rows: list[tuple[int, int]]) -> None:
    who, now = rolling.seen(some(rows), until=UNTIL)

    found = sharpening.expected(trained(), now, WEEKS)

    assert len(found) == len(who)
    assert (np.isfinite(found) & (found >= 0)).all()


def test_few_who_came_again_say_how_few() -> None:
    found = fitted(sold(200))

    assert isinstance(found, Unfitted)
    assert "not 100" in found.reason


def test_a_fact_that_is_the_same_of_everybody_moves_nobody() -> None:
    rows = replace(sold(), units=np.ones(len(sold().units)))

    found = fitted(rows)

    assert isinstance(found, Sharpened)
    assert found.weights[1] == pytest.approx(0, abs=1e-9)


def test_nothing_after_an_instant_is_known_at_it() -> None:
    rows, until = sold(), UNTIL // 2
    cut = rows.days <= until
    before = Sold(rows.customers[cut], rows.days[cut], rows.amounts[cut], rows.units[cut])

    whole, part = (rolling.earlier(one, until=until) for one in (rows, before))

    for one, other in zip(whole, part, strict=True):
        assert (one.seen.known == other.seen.known).all()
        assert (one.seen.purchases.recency == other.seen.purchases.recency).all()
        assert (one.happened == other.happened).all()


def test_a_refund_is_no_day_of_purchase_and_takes_its_units_back() -> None:
    rows = Sold(
        np.array([1, 1, 1]), np.array([10, 20, 30]), np.array([9.0, 9, -9]), np.array([2.0, 2, -2])
    )

    who, now = rolling.seen(rows, until=40)

    assert now.known[0, 0] == pytest.approx(np.log1p(2 / 2))
    assert rolling.days_bought(rows, who, after=10, until=40).tolist() == [1]


def test_the_gradient_is_that_of_the_loss() -> None:
    now = known()
    plain = pareto_nbd.expected(trained().rate, now.purchases, WEEKS)
    loss = sharpening._Loss(plain, now.purchases.frequency, now.columns - 0.5, 1.5)
    at = np.array([0.3, -0.2])

    exact = loss(at)[1]

    assert exact == pytest.approx(approx_fprime(at, lambda one: loss(one)[0], 1e-7), abs=1e-5)
