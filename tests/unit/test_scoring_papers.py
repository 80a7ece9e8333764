"""Scores equal the literature: what the papers print for CDNOW comes out of their data."""

from functools import cache

import pytest

from services.scoring.model import bg_nbd, covariates, gamma_gamma, pareto_nbd
from services.scoring.model.bg_nbd import BgNbd
from services.scoring.model.fitting import Fitted
from services.scoring.model.gamma_gamma import GammaGamma
from services.scoring.model.pareto_nbd import ParetoNbd
from services.scoring.model.purchases import Purchases
from tests.cdnow import needs_cdnow, observed

pytestmark = needs_cdnow
EXAMPLE = Purchases.of(2, 30.43, 38.86)


@cache
def counted() -> Fitted[BgNbd]:
    found = bg_nbd.fit(observed().purchases)
    assert isinstance(found, Fitted)
    return found


@cache
def plain() -> Fitted[ParetoNbd]:
    found = pareto_nbd.fit(observed().purchases)
    assert isinstance(found, Fitted)
    return found


@cache
def spent() -> Fitted[GammaGamma]:
    found = gamma_gamma.fit(observed().purchases.frequency, observed().spend)
    assert isinstance(found, Fitted)
    return found


def test_the_sample_has_the_customers_of_the_papers() -> None:
    repeated = observed().purchases.frequency > 0

    assert len(observed().customers) == 2_357
    assert repeated.sum() == 946


def test_bg_nbd_has_the_parameters_that_fader_hardie_and_lee_print() -> None:
    found = counted()

    model = found.parameters
    printed = f"{model.r:.3f} {model.alpha:.3f} {model.a:.3f} {model.b:.3f}"
    assert printed == "0.243 4.414 0.793 2.426"
    assert found.log_likelihood >= -9582.4 - 0.05
    assert found.customers == 2_357


def test_pareto_nbd_has_the_parameters_that_fader_hardie_and_lee_print() -> None:
    found = plain()

    model = found.parameters
    assert f"{model.r:.3f} {model.s:.3f}" == "0.553 0.606"
    assert model.alpha == pytest.approx(10.578, abs=0.01)
    assert model.beta == pytest.approx(11.669, abs=0.01)
    assert found.log_likelihood >= -9595.0 - 0.05


def test_gamma_gamma_has_the_parameters_that_fader_and_hardie_print() -> None:
    model = spent().parameters

    assert f"{model.p:.2f} {model.gamma:.2f}" == "6.25 15.44"
    assert model.q == pytest.approx(3.74, abs=0.005)


def test_the_papers_example_customer_is_expected_to_buy_as_printed() -> None:
    found = bg_nbd.expected(counted().parameters, EXAMPLE, 39)

    assert f"{found[0]:.3f}" == "1.226"


def test_the_example_customer_is_as_likely_alive_as_the_note_computes_it() -> None:
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    odds = a / (b + 2 - 1) * ((alpha + 38.86) / (alpha + 30.43)) ** (r + 2)

    found = bg_nbd.alive(BgNbd(r, alpha, a, b), EXAMPLE)

    assert found[0] == pytest.approx(1 / (1 + odds))


def test_standard_errors_shrink_with_the_root_of_the_customers() -> None:
    rows = observed().purchases
    four = Purchases.of(*(list(one) * 4 for one in (rows.frequency, rows.recency, rows.age)))

    found = bg_nbd.fit(four)

    assert isinstance(found, Fitted)
    for name in ("r", "alpha", "a", "b"):
        once, often = getattr(counted().errors, name), getattr(found.errors, name)
        assert often == pytest.approx(once / 2, rel=1e-3)


def test_what_is_known_from_the_first_day_can_only_raise_the_likelihood() -> None:
    rows = observed().purchases
    known = rows.age[:, None]

    found = covariates.fit(rows, known)

    assert isinstance(found, Fitted)
    assert found.log_likelihood >= plain().log_likelihood
    chances = covariates.alive(found.parameters, rows, known)
    assert ((chances >= 0) & (chances <= 1)).all()
