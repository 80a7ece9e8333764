"""CDNOW's weeks 40 to 78, foretold from the first 39: what the report on scores claims."""

from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from bench.scores import cdnow
from bench.scores.holdout import OURS, Foretold, differences
from services.scoring.model import bg_nbd, pareto_nbd, rolling, sharpening
from services.scoring.model.fitting import Fitted
from services.scoring.model.purchases import Floats

pytestmark = pytest.mark.skipif(find_spec("lifetimes") is None, reason="has the whole cohort")


@cache
def foretold() -> dict[str, Floats]:
    """By model, fitted to the whole cohort's first 39 weeks; and what happened."""
    sold = cdnow.master().before(cdnow.OBSERVED_UNTIL).sold
    who, now = rolling.seen(sold, until=cdnow.OBSERVED_UNTIL)
    counted = bg_nbd.fit(now.purchases)
    earlier = rolling.earlier(sold, until=cdnow.OBSERVED_UNTIL)
    sharp = sharpening.fit(now, earlier, weeks=cdnow.HELD_OUT_WEEKS)
    assert isinstance(counted, Fitted)
    assert isinstance(sharp, sharpening.Sharpened)
    return {
        "BG/NBD": bg_nbd.expected(counted.parameters, now.purchases, cdnow.HELD_OUT_WEEKS),
        "Pareto/NBD": pareto_nbd.expected(sharp.rate, now.purchases, cdnow.HELD_OUT_WEEKS),
        "ours": sharpening.expected(sharp, now, cdnow.HELD_OUT_WEEKS),
        "happened": cdnow.master().days_bought(
            who, after=cdnow.OBSERVED_UNTIL, until=cdnow.HELD_OUT_UNTIL
        ),
    }


@pytest.mark.parametrize("other", ["BG/NBD", "Pareto/NBD"])
def test_both_errors_are_smaller_than_of_the_models_of_the_papers(other: str) -> None:
    ours, theirs = (foretold()[name] - foretold()["happened"] for name in ("ours", other))

    assert len(ours) == 23_570
    assert np.abs(ours).mean() < np.abs(theirs).mean()
    assert np.square(ours).mean() < np.square(theirs).mean()


@pytest.mark.parametrize("other", ["BG/NBD", "Pareto/NBD"])
def test_the_absolute_error_is_smaller_by_more_than_chance(other: str) -> None:
    happened = foretold()["happened"]

    gain = np.abs(foretold()[other] - happened) - np.abs(foretold()["ours"] - happened)

    # Customers are independent of each other: the mean's own error, and 2.6 of them for 99 %.
    assert gain.mean() > 2.6 * gain.std() / np.sqrt(len(gain))


def test_the_total_is_as_near_as_of_pareto_nbd_and_nearer_than_of_bg_nbd() -> None:
    ours, plain, counted = (foretold()[name].sum() for name in ("ours", "Pareto/NBD", "BG/NBD"))

    assert ours == pytest.approx(plain)
    assert counted < ours < foretold()["happened"].sum()


def test_a_model_that_says_the_same_differs_in_no_draw_of_the_customers() -> None:
    happened = np.arange(50.0)
    same, worse = np.full(50, 20.0), np.full(50, 90.0)
    models = {"BG/NBD": worse, "Pareto/NBD": same, OURS: same}

    counted, plain = differences(Foretold(models, happened, happened))

    assert (plain.mae, *plain.mae_between, plain.rmse, *plain.rmse_between) == (0.0,) * 6
    assert counted.mae_between[0] < counted.mae < counted.mae_between[1] < 0
    assert counted.rmse_between[0] < counted.rmse < counted.rmse_between[1] < 0
