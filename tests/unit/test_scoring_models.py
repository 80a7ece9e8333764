"""Models of buying: laws they keep, and defined answers for odd histories."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime

from services.errors import Refused
from services.scoring.model import bg_nbd, clv, covariates, gamma_gamma, pareto_nbd
from services.scoring.model.bg_nbd import BgNbd
from services.scoring.model.fitting import Fitted, Unfitted
from services.scoring.model.gamma_gamma import GammaGamma
from services.scoring.model.pareto_nbd import ParetoNbd
from services.scoring.model.purchases import MANY, Purchases, observe

COUNTED = BgNbd(0.243, 4.414, 0.793, 2.426)
PLAIN = ParetoNbd(0.553, 10.578, 0.606, 11.669)
SPENT = GammaGamma(6.25, 3.74, 15.44)
MODELS: list[Any] = [(bg_nbd, COUNTED), (pareto_nbd, PLAIN)]
HISTORIES = st.tuples(
    st.integers(0, 5_000), st.floats(0, 1), st.floats(0.1, 2_000, allow_subnormal=False)
).map(lambda one: (one[0], one[1] * one[2] if one[0] else 0.0, one[2]))
SEVERAL = st.lists(HISTORIES, min_size=1, max_size=20)


def purchases(rows: list[tuple[int, float, float]]) -> Purchases:
    return Purchases.of(*zip(*rows, strict=True))


def simulated(customers: int, seed: int = 5) -> Purchases:
    """Customers who live as BG/NBD says, observed for 40 to 78 weeks."""
    random = np.random.default_rng(seed)
    rate = random.gamma(0.8, 1 / 6.0, customers)
    leaves = random.beta(0.9, 2.5, customers)
    age = random.uniform(40, 78, customers)
    bought = random.geometric(np.maximum(leaves, 1e-9))
    count, last, at = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    for number in range(1, 200):
        at += random.exponential(1, customers) / np.maximum(rate, 1e-12)
        is_in = (at <= age) & (number <= bought)
        count[is_in], last[is_in] = number, at[is_in]
    return Purchases.of(count, last, age)


@pytest.mark.parametrize(("family", "model"), MODELS)
@given(rows=SEVERAL)
def test_every_history_has_a_chance_and_an_expectation(
    family: Any, model: Any, rows: list[tuple[int, float, float]]
) -> None:
    histories = purchases(rows)

    alive, expected = family.alive(model, histories), family.expected(model, histories, 39)

    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.isfinite(expected) & (expected >= 0)).all()
    assert np.isfinite(family.log_likelihood(model, histories))


@pytest.mark.parametrize(("family", "model"), MODELS)
@given(history=HISTORIES, weeks=st.tuples(st.floats(0, 300), st.floats(0, 300)))
def test_a_longer_time_never_holds_fewer_purchases(
    family: Any, model: Any, history: tuple[int, float, float], weeks: tuple[float, float]
) -> None:
    shorter, longer = (
        family.expected(model, purchases([history]), one)[0] for one in sorted(weeks)
    )

    assert shorter <= longer * (1 + 1e-7) + 1e-9


@pytest.mark.parametrize(("family", "model"), MODELS)
def test_longer_silence_makes_it_less_likely_that_a_customer_stayed(
    family: Any, model: Any
) -> None:
    silences = Purchases.of(4, 20, np.linspace(20, 400, 60))

    alive = family.alive(model, silences)

    assert (np.diff(alive) < 0).all()


@pytest.mark.parametrize(("family", "model"), MODELS)
def test_who_has_just_come_is_expected_to_buy_as_any_new_customer(family: Any, model: Any) -> None:
    weeks = np.array([1.0, 13.0, 52.0])

    new = family.expected_of_new(model, weeks)

    assert new == pytest.approx(family.expected(model, Purchases.of([0, 0, 0], 0, 0), weeks))
    assert (np.diff(new) > 0).all()


def test_the_integral_of_pareto_nbd_is_that_of_another_method() -> None:
    for x, (t_x, age), alpha, beta in product(
        (1, 7, 60), ((3.0, 39.0), (38.0, 39.0)), (2.0, 10.6, 90.0), (0.7, 11.7, 80.0)
    ):
        model, rows = ParetoNbd(0.55, alpha, 0.61, beta), Purchases.of(x, t_x, age)

        def fall(y: float, m: ParetoNbd = model, n: int = x, at: float = t_x) -> float:
            bought = ((m.alpha + y) / (m.alpha + at)) ** -(m.r + n)
            return float(bought * ((m.beta + y) / (m.beta + at)) ** -(m.s + 1))

        area, _ = quad(fall, t_x, age, epsabs=0, epsrel=1e-11, limit=500)
        left = model.s * area / (model.beta + t_x)
        stayed = ((alpha + age) / (alpha + t_x)) ** -(model.r + x)
        stayed *= ((beta + age) / (beta + t_x)) ** -model.s
        alive = pareto_nbd.alive(model, rows)[0]
        assert alive == pytest.approx(stayed / (stayed + left), rel=1e-8)


def test_bg_nbd_expects_what_simulated_lives_then_buy() -> None:
    random = np.random.default_rng(3)
    lives, weeks = 200_000, 39.0
    rate = random.gamma(COUNTED.r, 1 / COUNTED.alpha, lives)
    leaves = random.beta(COUNTED.a, COUNTED.b, lives)
    # Purchases in t of one alive: (1 - exp(-rate p t)) / p, its expectation over when they leave.
    mean = float(np.mean(-np.expm1(-rate * leaves * weeks) / leaves))

    assert bg_nbd.expected_of_new(COUNTED, weeks)[0] == pytest.approx(mean, rel=0.02)


def test_bg_nbd_has_no_jump_where_its_formula_divides_by_nothing() -> None:
    rows = Purchases.of([0, 1, 30], [0, 10, 38], 39)

    near, at, beyond = (
        bg_nbd.expected(BgNbd(0.5, 5, a, 2), rows, 39) for a in (1 - 1e-4, 1.0, 1 + 1e-4)
    )

    assert at == pytest.approx((near + beyond) / 2, rel=1e-6)


def test_gradients_are_those_of_the_likelihoods() -> None:
    rows = simulated(300)
    terms = bg_nbd._Terms(*rows.counted())
    z = np.random.default_rng(1).normal(size=(300, 2))
    likelihoods = (
        (terms.likelihood, [0.4, 5.0, 0.9, 2.2]),
        (lambda v: pareto_nbd._likelihood(v, *rows.counted()), [0.5, 9.0, 0.7, 12.0]),
        (
            lambda v: covariates._likelihood(v, rows, z),
            [0.5, 9.0, 0.7, 12.0, 0.1, -0.2, 0.3, 0.1],
        ),
        (
            lambda v: gamma_gamma._likelihood(v, rows.frequency + 1, rows.age),
            [5.0, 3.0, 12.0],
        ),
    )
    for likelihood, at in likelihoods:
        values = np.array(at)

        exact = likelihood(values)[1]

        near = approx_fprime(values, lambda v, one=likelihood: one(v)[0], 1e-6)
        assert exact == pytest.approx(near, rel=2e-4, abs=2e-2)


def test_simulated_customers_give_their_parameters_back() -> None:
    # So many that the fit begins with a part of them.
    found = bg_nbd.fit(simulated(MANY * 3 // 2))

    assert isinstance(found, Fitted)
    for name, true in (("r", 0.8), ("alpha", 6.0), ("a", 0.9), ("b", 2.5)):
        estimate, error = getattr(found.parameters, name), getattr(found.errors, name)
        assert abs(estimate - true) < 4 * error


ODD = {
    "nobody": [],
    "one who bought once": [(0, 0.0, 10.0)],
    "nobody twice": [(0, 0.0, 10.0), (0, 0.0, 20.0)],
    "all on one day": [(0, 0.0, 0.0)] * 50,
    "one regular": [(10, 9.0, 10.0)],
    "all alike": [(3, 9.0, 10.0)] * 100,
    "nobody ever left": [(9, 10.0, 10.0)] * 60,
    "very many purchases": [(90_000, 99.0, 100.0), (3, 9.0, 100.0), (0, 0.0, 100.0)] * 9,
}


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("family", [bg_nbd, pareto_nbd])
def test_odd_customers_give_a_model_or_the_reason_why_not(
    family: Any, rows: list[tuple[int, float, float]]
) -> None:
    histories = purchases(rows) if rows else Purchases.of([], [], [])

    found = family.fit(histories)

    if isinstance(found, Unfitted):
        assert found.reason
    else:
        assert np.isfinite(family.expected(found.parameters, histories, 39)).all()


def test_spend_that_says_nothing_gives_no_model() -> None:
    nothing = np.zeros(0)

    assert isinstance(gamma_gamma.fit(nothing, nothing), Unfitted)
    assert isinstance(gamma_gamma.fit(np.ones(9), np.full(9, -5.0)), Unfitted)
    assert isinstance(gamma_gamma.fit(np.ones(9), np.full(9, 5.0)), Unfitted)


def test_who_says_nothing_of_amounts_is_expected_to_spend_like_everybody() -> None:
    found = gamma_gamma.expected_spend(SPENT, np.array([0.0, 2.0, 500.0]), np.array([0, -9.0, 80]))

    everybody = SPENT.p * SPENT.gamma / (SPENT.q - 1)
    assert found[:2] == pytest.approx([everybody, everybody])
    assert found[2] == pytest.approx(80, rel=0.01)


def test_amounts_in_cents_give_the_same_model_as_in_dollars() -> None:
    random = np.random.default_rng(2)
    x = random.integers(1, 9, 900).astype(float)
    m = random.gamma(6.25 * x, 1 / x) / random.gamma(3.74, 1 / 15.44, 900)

    dollars, cents = gamma_gamma.fit(x, m), gamma_gamma.fit(x, m * 100)

    assert isinstance(dollars, Fitted)
    assert isinstance(cents, Fitted)
    assert cents.parameters.q == pytest.approx(dollars.parameters.q, rel=1e-6)
    assert cents.parameters.gamma == pytest.approx(100 * dollars.parameters.gamma, rel=1e-6)


def test_a_later_dollar_is_worth_less_and_a_margin_takes_its_share() -> None:
    rows, spend = Purchases.of([3, 0], [20, 0], 39), np.array([30.0, 0.0])

    free, dear, half = (
        clv.lifetime_value(lambda t: bg_nbd.expected(COUNTED, rows, t), spend, terms)
        for terms in (
            clv.Terms(discount_a_year=0),
            clv.Terms(discount_a_year=0.3),
            clv.Terms(discount_a_year=0, margin=0.5),
        )
    )

    assert free[0] == pytest.approx(30 * bg_nbd.expected(COUNTED, rows, 52)[0])
    assert dear[0] < free[0]
    assert half == pytest.approx(free / 2)
    assert free[1] == 0


def test_a_history_that_can_not_be_is_refused_by_its_place() -> None:
    with pytest.raises(Refused, match=r"purchases\.1"):
        Purchases.of([1, 1], [2, 9], [5, 5])
    with pytest.raises(Refused, match=r"purchases\.0"):
        Purchases.of([float("nan")], [0], [5])
    with pytest.raises(Refused):
        clv.Terms(margin=2)


def test_what_came_later_is_not_observed() -> None:
    rows = ([1, 1, 1, 2, 2], [10, 17, 31, 12, 40], [5.0, 7.0, 9.0, 4.0, 4.0])

    seen = observe(*rows, until=24)

    assert seen.customers.tolist() == [1, 2]
    assert seen.purchases.frequency.tolist() == [1, 0]
    assert seen.purchases.recency.tolist() == [1, 0]
    assert seen.purchases.age.tolist() == [2, 12 / 7]
    assert seen.spend.tolist() == [7, 0]


def test_a_day_of_refunds_is_no_purchase_but_lessens_what_was_spent() -> None:
    seen = observe([1, 1, 1, 2], [10, 17, 20, 15], [5.0, 7.0, -3.0, -8.0], until=24)

    assert seen.customers.tolist() == [1]
    assert seen.purchases.frequency.tolist() == [1]
    assert seen.spend.tolist() == [4]
